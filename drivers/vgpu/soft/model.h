/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference GPU as a machine: what it keeps in its flip-flops and what one
 * step of its engine does.  Nothing here knows of threads, modules or PCI, so
 * that the same files build into vgpu_soft.ko and into the user-space tests
 * in tests/isa.
 *
 * An engine has some compute units.  Each unit holds one workgroup of up to
 * 64 lanes, the engine holds the dispatcher that hands workgroups to units.
 * Units take turns of SOFT_TURN instructions; a turn of every unit is a round.
 * Units stand for hardware that works in parallel, so a round takes as long
 * as its busiest unit: the engine clock advances by the largest number of
 * instructions that one unit retired, not by the sum.
 *
 * Units can be taken from an engine and given to it (set_units): it has room
 * for as many workgroups as it had units in the beginning, hands new ones
 * only to the units that it has, and goes on with those that a launch midway
 * has in more places.  These then share the units, each on one at a time: the
 * round takes as long as its busiest place or as all places together over the
 * number of units, whichever is longer, which is the least that is possible
 * (R. McNaughton, "Scheduling with Deadlines and Loss Functions", 1959).
 *
 * Where a turn ends, which lane goes next and which unit takes the next
 * workgroup depend only on state that is saved with a context, and on how many
 * units there are.  Preemption
 * may stop the machine between any two instructions, and may only delay what
 * happens: the bytes that a kernel leaves are the same, however often and
 * wherever it was stopped.
 */
#ifndef _VGPU_SOFT_MODEL_H
#define _VGPU_SOFT_MODEL_H

#include <linux/types.h>
#include <vgpu/backend.h>

#define SOFT_MAX_LANES		64
#define SOFT_MAX_UNITS		64
#define SOFT_SHARED_BYTES	16384
#define SOFT_ASIDS		1024	/* a TLB tag has 12 bits for it */
#define SOFT_TURN		1024	/* instructions */

#define SOFT_PAGE_SHIFT		12
#define SOFT_PAGE_BYTES		4096U
#define SOFT_PAGE_MASK		(~(u64)4095)
#define SOFT_VA_BITS		48

/*
 * Page table entries: 64 bits, 512 to a table, four levels of 9 bits over
 * pages of 4 KiB.  A leaf is an entry of level 0 or (2 MiB) of level 1.
 *
 *   0 VALID  1 READ  2 WRITE  3 EXEC  4 LEAF  5 HOST  6 ACCESSED  7 DIRTY
 *   12..51 address; all other bits must be zero
 *
 * In an entry that names a table only VALID and the address may be set.
 * ACCESSED and DIRTY are set by the walk, with an atomic update, before the
 * access is made: whoever clears DIRTY and then invalidates the translation
 * misses no write.
 */
#define SOFT_PTE_VALID		BIT_ULL(0)
#define SOFT_PTE_READ		BIT_ULL(1)
#define SOFT_PTE_WRITE		BIT_ULL(2)
#define SOFT_PTE_EXEC		BIT_ULL(3)
#define SOFT_PTE_LEAF		BIT_ULL(4)
#define SOFT_PTE_HOST		BIT_ULL(5)
#define SOFT_PTE_ACCESSED	BIT_ULL(6)
#define SOFT_PTE_DIRTY		BIT_ULL(7)
#define SOFT_PTE_ADDR		0x000ffffffffff000ULL
#define SOFT_PT_LEVELS		4
#define SOFT_PT_BITS		9

/**
 * struct soft_timing - how fast the modelled machine is; all of it is charged
 *	to the engine clock, none of it is measured
 * @insn_ns: one instruction of one unit
 * @copy_mbps: copy and fill, 10^6 bytes per second; 0 takes no time
 * @save_mbps: saved and restored state, likewise
 * @fault_ns: taking a fault
 * @preempt_ns: stopping for a preemption
 */
struct soft_timing {
	u32 insn_ns;
	u32 copy_mbps;
	u32 save_mbps;
	u32 fault_ns;
	u32 preempt_ns;
};

/**
 * struct soft_machine - what the engines of one GPU share
 * @vram: CPU address of each page of VRAM
 * @vram_bytes: length
 * @units: of each engine, before any are taken or given
 * @extra_bytes: vector registers of a context, in whole blocks of
 *	VGPU_SEC_BLOCK; as many as the researcher wants
 * @timing: the timing model
 */
struct soft_machine {
	void **vram;
	u64 vram_bytes;
	u32 units;
	u32 extra_bytes;
	struct soft_timing timing;
};

/**
 * struct soft_lane - one thread of a kernel
 * @x: general registers; x[0] is always 0, x[32] swallows what is written
 *	to x0
 * @pc: of the next instruction, a multiple of 4
 * @retired: instructions completed
 * @scratch: VGPU_CSR_SCRATCH
 * @res_tag: reservation of LR: address | size / 4; 0: none
 * @res_value: what LR read there
 */
struct soft_lane {
	u64 x[33];
	u64 pc;
	u64 retired;
	u64 scratch;
	u64 res_tag;
	u64 res_value;
};

/**
 * struct soft_unit - a compute unit
 * @group: linear index of the resident workgroup
 * @live: lanes that have not exited; 0: no workgroup
 * @waiting: of these, lanes at the barrier
 * @lane: whose turn it is; live and not waiting when @live
 * @shared_used: bytes of @shared that may be other than 0
 * @general_used: lanes whose general registers may be other than 0
 * @special_used: likewise, the other registers
 * @lanes: their registers
 * @shared: the workgroup's memory
 */
struct soft_unit {
	u64 group;
	u64 live;
	u64 waiting;
	u32 lane;
	u32 shared_used;
	u64 general_used;
	u64 special_used;
	struct soft_lane *lanes;
	u8 *shared;
};

/**
 * struct soft_vector - the vector registers, see vector.c
 * @words: @m->extra_bytes of them
 * @used: a bit for each block that may be other than 0
 * @dirty: for each that was written since it was saved or loaded
 */
struct soft_vector {
	u64 *words;
	unsigned long *used;
	unsigned long *dirty;
};

/* A decoded instruction; @raw is the tag, see isa_exec.c. */
struct soft_insn {
	u32 raw;
	u8 op;
	u8 rd;
	u8 rs1;
	u8 rs2;
	s64 imm;
};

#define SOFT_ICACHE		4096	/* decoded instructions */
#define SOFT_TLB		256	/* translations for each kind of access */
#define SOFT_TLB_NONE		(~(u64)0)

enum soft_tlb_kind {
	SOFT_TLB_READ,
	SOFT_TLB_WRITE,
	SOFT_TLB_EXEC,
	SOFT_TLB_KINDS
};

/* @tag: page address | asid; only pages that may be accessed so are here */
struct soft_tlbe {
	u64 tag;
	u8 *page;
};

struct soft_fault {
	int error;
	u64 va;
	u32 access;
	bool restart;		/* an entry was absent: it may come */
};

enum soft_step {
	SOFT_STEP_MORE,		/* call again */
	SOFT_STEP_DONE,		/* the job ended well */
	SOFT_STEP_FAULT,	/* see soft_core.fault; state is as before the
				 * faulting instruction or byte
				 */
};

/**
 * struct soft_core - an engine without what drives it
 * @m: the GPU
 * @job: what it works on
 * @active: there is a job in progress
 * @broken: sections that were loaded and make no sense
 * @refused: why the job cannot run, or 0
 * @groups: LAUNCH: workgroups of the grid
 * @next_group: LAUNCH: first that no unit got yet
 * @turn_unit: LAUNCH: unit whose turn it is
 * @turn_used: LAUNCH: instructions it used of the turn
 * @round_max: LAUNCH: largest share of a place in this round
 * @round_sum: LAUNCH: of all places together
 * @round_charged: LAUNCH: how long this round has taken so far
 * @progress: COPY, FILL: bytes done
 * @nopreempt: VGPU_CSR_NOPREEMPT
 * @asid: address space
 * @root: of its page table
 * @dirty: sections written since they were saved or loaded
 * @fault: why SOFT_STEP_FAULT
 * @units: places for workgroups, @m->units of them
 * @vector: vector registers
 * @clock: engine time, ns
 * @service: engine time since the job was started or resumed
 * @bytes: moved since then
 * @nr_units: compute units it has now; 0: it does nothing
 * @walks: page table walks so far
 * @tlb: translations
 * @icache: decoded instructions
 */
struct soft_core {
	struct soft_machine *m;
	/* what belongs to a context, see soft_core_flip() */
	struct vgpu_hw_job job;
	bool active;
	u32 broken;
	int refused;
	u64 groups;
	u64 next_group;
	u32 turn_unit;
	u32 turn_used;
	u32 round_max;
	u32 round_sum;
	u32 round_charged;
	u64 progress;
	u64 nopreempt;
	u32 asid;
	u64 root;
	u32 dirty;
	struct soft_fault fault;
	struct soft_unit *units;
	struct soft_vector vector;
	/* what belongs to the engine */
	u64 clock;
	u64 service;
	u64 bytes;
	u32 nr_units;
	u64 walks;
	struct soft_tlbe tlb[SOFT_TLB_KINDS][SOFT_TLB];
	struct soft_insn icache[SOFT_ICACHE];
};

/* model.c: the steps */
void soft_core_start(struct soft_core *c, const struct vgpu_hw_job *job);
void soft_core_resume(struct soft_core *c, const struct vgpu_hw_job *job);
enum soft_step soft_core_step(struct soft_core *c, u32 limit);
void soft_core_charge(struct soft_core *c, u64 ns);
int soft_core_init(struct soft_core *c, struct soft_machine *m);
void soft_core_fini(struct soft_core *c);

/* launch.c, copy.c: the jobs */
int soft_launch_check(struct soft_core *c);
enum soft_step soft_launch_step(struct soft_core *c, u32 limit);
int soft_copy_check(struct soft_core *c);
enum soft_step soft_copy_step(struct soft_core *c);
enum soft_step soft_fill_step(struct soft_core *c);

/* state.c: saved state */
void soft_section_sizes(const struct soft_machine *m, u32 *bytes);
u32 soft_core_save(struct soft_core *c, enum vgpu_hw_section sec, void *buf);
void soft_core_load(struct soft_core *c, enum vgpu_hw_section sec,
		    const void *buf, u32 bytes);
u32 soft_core_blocks(struct soft_core *c, enum vgpu_hw_section sec,
		     unsigned long *map);
void soft_core_save_blocks(struct soft_core *c, enum vgpu_hw_section sec,
			   void *buf, u32 first, u32 count);
void soft_core_load_blocks(struct soft_core *c, enum vgpu_hw_section sec,
			   const void *buf, u32 first, u32 count);
void soft_core_clear(struct soft_core *c, u32 asid, u64 root);
void soft_core_flip(struct soft_core *a, struct soft_core *b);

/* vector.c: vector registers */
int soft_vector_init(struct soft_core *c);
void soft_vector_fini(struct soft_core *c);
int soft_vector_read(const struct soft_core *c, u64 index, u64 *v);
int soft_vector_write(struct soft_core *c, u64 index, u64 v);
void soft_vector_wipe(struct soft_core *c);
void soft_vector_dirty(struct soft_core *c, unsigned long *map);
void soft_vector_save(struct soft_core *c, void *to, u32 first, u32 count);
void soft_vector_load(struct soft_core *c, const void *from, u32 first,
		      u32 count);

/* mmu.c: address translation */
void *soft_mmu_walk(struct soft_core *c, u64 va, u32 access);
void soft_tlb_flush(struct soft_core *c);
void soft_tlb_drop(struct soft_core *c, u32 asid, u64 va, u64 bytes);
extern const struct vgpu_pt_format soft_pt_format;

static inline int soft_fault(struct soft_core *c, int error, u64 va,
			     u32 access)
{
	c->fault.error = error;
	c->fault.va = va;
	c->fault.access = access;
	c->fault.restart = false;
	return error;
}

/**
 * soft_mmu_find() - the CPU address behind a GPU address
 * @c: engine
 * @va: address; the access must not cross a page
 * @kind: of access
 *
 * Return: a pointer, or NULL with @c->fault set.
 */
static inline void *soft_mmu_find(struct soft_core *c, u64 va,
				  enum soft_tlb_kind kind)
{
	const struct soft_tlbe *t =
		&c->tlb[kind][(va >> SOFT_PAGE_SHIFT) % SOFT_TLB];

	if (t->tag == ((va & SOFT_PAGE_MASK) | c->asid))
		return t->page + (va & ~SOFT_PAGE_MASK);
	return soft_mmu_walk(c, va, kind == SOFT_TLB_READ ? VGPU_PROT_READ :
			     kind == SOFT_TLB_WRITE ? VGPU_PROT_WRITE :
			     VGPU_PROT_EXEC);
}

static inline void *soft_vram(const struct soft_machine *m, u64 addr)
{
	return (u8 *)m->vram[addr >> SOFT_PAGE_SHIFT] +
	       (addr & ~SOFT_PAGE_MASK);
}

/*
 * The CPU address of a page of system memory that a PTE names by bus address,
 * or NULL.  From vram.c in the kernel, from the harness in user space.
 */
void *soft_host_page(u64 bus);

#endif /* _VGPU_SOFT_MODEL_H */
