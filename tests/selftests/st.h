/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small harness: each case runs in a process of its own, which gets its own
 * vGPUs; whatever it leaves behind goes with it, and a crash or a hang is a
 * failure of that case alone.  Speaks TAP 13.
 */
#ifndef VGPU_SELFTESTS_ST_H
#define VGPU_SELFTESTS_ST_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vgpu.h>

struct st_case {
	const char *name;
	void (*run)(void);
	unsigned int seconds;	/* until it counts as hung; 0: 60 */
};

/* Options: --seed N --seconds N --list, and names of cases to run. */
int st_main(int argc, char **argv, const struct st_case *cases,
	    unsigned int count);
#define ST_MAIN(cases)							\
	int main(int argc, char **argv)					\
	{								\
		return st_main(argc, argv, cases,			\
			       sizeof(cases) / sizeof((cases)[0]));	\
	}

extern uint64_t st_seed;
extern unsigned int st_seconds;		/* 0: not given */

/* A fast generator; the same numbers for the same seed, everywhere. */
uint64_t st_random(void);
/* Cases begin with st_seed's. */
void st_seed_from(uint64_t seed);
/* 0 to @below - 1 */
uint64_t st_below(uint64_t below);

uint64_t st_now_ns(void);
void st_sleep_ms(unsigned int ms);

/* ---- saying what is wrong -------------------------------------------------- */

void st_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void st_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the case: cannot go on, or nothing to test here. */
__attribute__((noreturn)) void st_stop(void);
void st_skip(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Goes on after a failure. */
#define CHECK(condition, ...)						\
	do {								\
		if (!(condition))					\
			st_fail(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)
/* Does not. */
#define NEED(condition, ...)						\
	do {								\
		if (!(condition)) {					\
			st_fail(__FILE__, __LINE__, __VA_ARGS__);	\
			st_stop();					\
		}							\
	} while (0)
/* @call gives 0 or a negative errno; @want likewise. */
#define CHECK_ERR(call, want, ...)					\
	st_check_err((call), (want), false, #call, __FILE__, __LINE__,	\
		     __VA_ARGS__)
#define NEED_ERR(call, want, ...)					\
	st_check_err((call), (want), true, #call, __FILE__, __LINE__,	\
		     __VA_ARGS__)
#define CHECK_OK(call)	CHECK_ERR(call, 0, " ")
#define NEED_OK(call)	NEED_ERR(call, 0, " ")
bool st_check_err(long got, long want, bool need, const char *what,
		  const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
const char *st_errno(long error);

/* ---- the node --------------------------------------------------------------- */

/* As ioctl(), but 0 or a negative errno. */
int st_ioctl(int fd, unsigned long request, void *arg);
/* Fills in the structure's size. */
#define CALL(fd, request, ...)						\
({									\
	__typeof__(__VA_ARGS__) arg_ = (__VA_ARGS__);			\
									\
	arg_->size = sizeof(*arg_);					\
	st_ioctl((fd), (request), arg_);				\
})

/* A vGPU that lives as long as this process. */
struct st_vgpu {
	uint32_t id;
	int fd;			/* open node, or -1 */
	char path[32];
	uint8_t uuid[16];
};

/* The management node, opened once in each process. */
int st_ctl(void);
/* Name of the smallest type (@shares 1) up to the whole GPU (8). */
const char *st_type(unsigned int shares);
/* Creates without starting; 0 or errno. */
int st_create(struct st_vgpu *vgpu, const char *type, uint32_t weight,
	      uint32_t flags);
int st_verb(const struct st_vgpu *vgpu, uint32_t verb);
int st_destroy(const struct st_vgpu *vgpu);
/* Another client of it; -1 after a failure was told. */
int st_open(const struct st_vgpu *vgpu);
/* Created, started, opened. */
void st_vgpu(struct st_vgpu *vgpu, unsigned int shares, uint32_t weight);

/* Each gives a handle, or ends the case. */
uint32_t st_bo(int fd, uint64_t bytes, uint32_t flags, uint64_t *mmap_offset);
uint32_t st_vm(int fd);
uint32_t st_ctx(int fd, uint32_t vm);
uint32_t st_queue(int fd, uint32_t ctx);
uint32_t st_timeline(int fd, uint32_t *slot);
void st_info(int fd, struct vgpu_info *info);

int st_map(int fd, uint32_t vm, uint32_t bo, uint32_t prot, uint64_t va,
	   uint64_t offset, uint64_t bytes);
int st_close(int fd, uint32_t handle);
int st_submit(int fd, uint32_t queue, const struct vgpu_cmd *cmds,
	      uint32_t count);
int st_wait(int fd, uint32_t timeline, uint64_t value, int64_t timeout_ns);
void st_status(int fd, uint32_t queue, uint32_t irq_clear,
	       struct vgpu_queue_status *status);
/* Submits and waits for the end of all before; ends the case on a time-out. */
void st_run(int fd, uint32_t queue, const struct vgpu_cmd *cmds,
	    uint32_t count);

void st_run_one(int fd, uint32_t queue, struct vgpu_cmd cmd);

struct vgpu_cmd st_copy(uint64_t dst, uint64_t src, uint64_t bytes);
struct vgpu_cmd st_fill(uint64_t dst, uint64_t bytes, uint32_t pattern);
struct vgpu_cmd st_sync(uint16_t op, uint32_t timeline, uint64_t value);

/* mmap(MAP_SHARED) at an offset of the node; MAP_FAILED sets errno. */
void *st_mmap(int fd, uint64_t offset, uint64_t bytes, int prot);

/* 0: reading (or writing) there works, else the signal it raises. */
int st_touch(volatile void *at, bool write);

/* /sys and /proc: a file's first line, or NULL; valid until the next call. */
const char *st_read(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif /* VGPU_SELFTESTS_ST_H */
