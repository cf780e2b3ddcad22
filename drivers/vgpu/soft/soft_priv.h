/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference GPU: what drives the machine of model.h.
 */
#ifndef _VGPU_SOFT_PRIV_H
#define _VGPU_SOFT_PRIV_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <vgpu/backend.h>
#include <vgpu/backend_test.h>

#include "model.h"

struct soft_gpu;
struct task_struct;

#define SOFT_MAX_GPUS		8
#define SOFT_MAX_ENGINES	8
#define SOFT_DROPS		32	/* invalidations an engine can note */

/* A range of translations to forget */
struct soft_drop {
	u32 asid;
	u64 va;
	u64 bytes;
};

/**
 * struct soft_engine - a thread that steps a machine
 * @gpu: that it belongs to
 * @index: of it there
 * @task: the thread
 * @lock: protects the fields below up to @core; taken from hard interrupts
 * @running: run() was called and not answered; the thread owns @core,
 *	otherwise whoever the core of vgpu lets call
 * @answering: the thread is on its way through vgpu_gpu_event()
 * @stop: preempt() was called
 * @stepped: a step was made since run()
 * @kill: reset() was called
 * @attention: the thread must take @lock and look, at the next check
 * @flush: drop all translations (@drops was too short)
 * @drops: translations to drop
 * @drop_count: of these
 * @drop_seq: counts calls of tlb_sync()
 * @drop_done: of these, answered
 * @core: the machine
 * @spare: holds the spare bank, and steps never; NULL without
 * @spare_busy: engine clock until which that bank is being loaded
 * @wake: the thread waits for work
 * @idle: others wait for the thread
 * @reset_lock: serialises resets
 */
struct soft_engine {
	struct soft_gpu *gpu;
	unsigned int index;
	struct task_struct *task;
	spinlock_t lock;	/* of what follows, up to @core */
	bool running;
	bool answering;
	bool stop;
	bool stepped;
	bool kill;
	bool attention;
	bool flush;
	struct soft_drop drops[SOFT_DROPS];
	unsigned int drop_count;
	u64 drop_seq;
	u64 drop_done;
	struct soft_core core;
	struct soft_core *spare;
	u64 spare_busy;
	wait_queue_head_t wake;
	wait_queue_head_t idle;
	struct mutex reset_lock;	/* one reset at a time */
};

/**
 * struct soft_config - shape of a GPU, from the module parameters
 * @engines: 1 to SOFT_MAX_ENGINES
 * @units: of each engine, 1 to SOFT_MAX_UNITS
 * @vram_bytes: a multiple of 2 MiB
 * @extra_bytes: of each context
 * @banks: of context state in each engine, 1 or 2
 * @check: instructions between looks at preempt()
 * @node: NUMA node
 * @timing: the timing model
 */
struct soft_config {
	u32 engines;
	u32 units;
	u64 vram_bytes;
	u32 extra_bytes;
	u32 banks;
	u32 check;
	int node;
	struct soft_timing timing;
};

struct soft_gpu {
	struct soft_machine m;
	struct soft_config config;
	char name[16];
	struct vgpu_hw_desc desc;
	struct vgpu_gpu *gpu;		/* once registered */
	wait_queue_head_t registered;
	vgpu_test_sink_t sink;		/* takes events instead of @gpu */
	void *sink_arg;
	struct soft_engine *engines[SOFT_MAX_ENGINES];	/* spare ones last */
	unsigned int nr_engines;
	u64 units[SOFT_MAX_ENGINES];	/* of each engine */
	struct dentry *debugfs;
};

/* gpu.c: a GPU, with or without a PCI function in front of it */
struct soft_gpu *soft_gpu_create(const char *name,
				 const struct soft_config *config);
void soft_gpu_destroy(struct soft_gpu *gpu);
void soft_gpu_registered(struct soft_gpu *gpu, struct vgpu_gpu *handle);
void soft_gpu_event(struct soft_gpu *gpu, const struct vgpu_hw_event *ev);
extern const struct vgpu_backend_ops soft_ops;

/* inject.c: errors on demand, in debugfs */
void soft_inject_init(void);
void soft_inject_exit(void);
void soft_inject_add(struct soft_gpu *gpu);
void soft_inject_remove(struct soft_gpu *gpu);

/* engine.c */
struct soft_engine *soft_engine_create(struct soft_gpu *gpu,
				       unsigned int index);
void soft_engine_destroy(struct soft_engine *e);
void soft_engine_run(struct soft_engine *e, const struct vgpu_hw_job *job,
		     bool resume);
void soft_engine_preempt(struct soft_engine *e);
void soft_engine_reset(struct soft_engine *e);
int soft_engine_set_units(struct soft_engine *e, unsigned int count);
void soft_engine_drop(struct soft_engine *e, u32 asid, u64 va, u64 bytes);
u64 soft_engine_sync_begin(struct soft_engine *e);
void soft_engine_sync_end(struct soft_engine *e, u64 seq);

/* bank.c: the spare bank */
int soft_bank_create(struct soft_engine *e);
void soft_bank_destroy(struct soft_engine *e);
void soft_bank_clear(struct soft_engine *e, u32 asid, u64 root);
void soft_bank_load(struct soft_engine *e, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes);
void soft_bank_load_blocks(struct soft_engine *e, enum vgpu_hw_section sec,
			   const void *buf, u32 first, u32 count);
void soft_bank_flip(struct soft_engine *e);

/* vram.c */
int soft_vram_create(struct soft_machine *m, u64 bytes, int node);
void soft_vram_destroy(struct soft_machine *m);

/* pci.c */
int soft_pci_init(unsigned int gpus, unsigned int domain, const int *nodes);
void soft_pci_exit(void);

/* main.c: the module parameters */
int soft_config_get(struct soft_config *config);

#endif /* _VGPU_SOFT_PRIV_H */
