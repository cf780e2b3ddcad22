/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contract with a physical GPU.
 *
 * A backend describes a GPU (struct vgpu_hw_desc), hands in a table of
 * operations, and from then on is told what to do by the core and answers
 * with events.  It knows nothing of instances, tenants or policies: it sees
 * hardware contexts, jobs and pages.  What it cannot do it does not claim
 * (VGPU_HW_*), and the core works around it: there is no question anywhere
 * of who the backend is.
 *
 * An engine is always in one of these states, as the core sees it:
 *
 *               load                run                  event
 *    empty ------------> loaded ----------> running ----------> loaded
 *      ^                   |  ^                |
 *      |   (another load)  |  +----------------+  preempt -> event PREEMPTED
 *      +-------------------+          |
 *      ^        save                  |  no answer in time
 *      +------------- reset ----------+
 *
 * save, load, run and reset are called only while the engine does not run
 * (reset: also while it runs); the core serialises them for each engine.
 *
 * Calling contexts, one word each in the table below:
 *   atomic   under a spinlock with interrupts off; must not sleep
 *   process  may sleep; the core holds no spinlock
 */
#ifndef _VGPU_BACKEND_H
#define _VGPU_BACKEND_H

#include <linux/types.h>
#include <linux/module.h>
#include <uapi/linux/vgpu.h>

struct device;
struct page;
struct vgpu_gpu;

/* Capabilities, vgpu_hw_desc.caps */
#define VGPU_HW_PREEMPT		BIT_ULL(0)	/* preempt() works */
#define VGPU_HW_SAVE		BIT_ULL(1)	/* save() and load() work */
#define VGPU_HW_MMU		BIT_ULL(2)	/* jobs use virtual addresses */
#define VGPU_HW_LAUNCH		BIT_ULL(3)	/* runs VGPU_CMD_LAUNCH */
#define VGPU_HW_HOST_MEM	BIT_ULL(4)	/* PTEs may name system memory */
#define VGPU_HW_UNITS		BIT_ULL(5)	/* set_units() works */
/*
 * A command that failed for want of a translation can be resumed: the engine's
 * state is as before the access, FAULT says so (restart), and save() works as
 * after a preemption. Needs MMU and SAVE.
 */
#define VGPU_HW_RESTART		BIT_ULL(6)

/*
 * Tells which blocks of a large section changed, and saves and loads them one
 * by one: blocks(), save_blocks() and load_blocks() work. Needs SAVE.
 */
#define VGPU_HW_BLOCKS		BIT_ULL(7)
#define VGPU_SEC_BLOCK		1024U	/* bytes */

/*
 * An engine has a second bank for the state of a context, which can be loaded
 * while the first works: flip() works, and clear(), load() and load_blocks() take
 * the number of an engine | VGPU_HW_SPARE for its spare bank, also while the
 * engine runs. What is there has no effect on anything before flip(), and no
 * translations; reset() and set_units() forget it as well. Needs SAVE.
 */
#define VGPU_HW_BANK		BIT_ULL(8)
#define VGPU_HW_SPARE		BIT(31)

/*
 * Saved state comes in sections.  They are saved in the order of the enum
 * and restored with the MMU first.
 */
enum vgpu_hw_section {
	VGPU_SEC_CONTROL,	/* job in progress, how far it got */
	VGPU_SEC_GENERAL,	/* general registers and program counters */
	VGPU_SEC_SPECIAL,	/* control and status registers, reservations */
	VGPU_SEC_VECTOR,	/* vector registers */
	VGPU_SEC_SHARED,	/* workgroup memory */
	VGPU_SEC_MMU,		/* address space and table root */
	VGPU_SEC_COUNT
};

/**
 * struct vgpu_pt_format - how the GPU's page tables look
 * @levels: of tables, the root is level @levels - 1, leaves of base pages
 *	are entries of level 0
 * @bits: index bits of each level, from level 0
 * @page_shift: of a base page
 * @large_levels: bit n: an entry of level n may be a leaf (bit 0 always set)
 * @pte: entry for a leaf at @level that maps bus or VRAM address @addr with
 *	VGPU_PROT_* @prot; @host: @addr is a bus address of system memory
 * @pde: entry for the table at VRAM address @addr
 * @accessed: bit that the GPU sets in a leaf that it uses, 0 if it does not
 * @dirty: bit that it sets in a leaf that it writes through, likewise
 *
 * An absent entry is 0.  Entries are 64 bits, tables 1 << (bits + 3) bytes
 * and aligned to that.
 */
struct vgpu_pt_format {
	const char *name;
	unsigned int levels;
	u8 bits[6];
	unsigned int page_shift;
	u32 large_levels;
	u64 (*pte)(u64 addr, u32 prot, bool host, unsigned int level);
	u64 (*pde)(u64 addr);
	u64 accessed;
	u64 dirty;
};

/**
 * struct vgpu_hw_desc - a physical GPU, as its backend describes it
 * @name: unique, short, for people; copied
 * @driver: prefix of type names, e.g. "vgpu_soft"; copied
 * @caps: VGPU_HW_*
 * @vram_bytes: a multiple of 2 MiB
 * @engines: compute engines that tenants share, 1 to 8
 * @units: compute units behind each of them
 * @spare_engines: UNITS: engines without units, for those who get some for
 *	themselves; they come after @engines, and make at most 8 with them
 * @max_lanes: of a workgroup
 * @shared_bytes: of a workgroup
 * @max_instances: 1 to 64
 * @section_bytes: largest saved size of each section, 0 for none
 * @state_format: short name of what save() writes, changed with it; NULL: it does
 *	not leave this machine.  With a name load() is given what came from a file, by
 *	a GPU of the same name of format and sizes, and trusts none of it
 * @format: page tables; NULL without VGPU_HW_MMU
 * @asids: address space tags, at least 2; tag 0 is never used by the core
 * @numa_node: or NUMA_NO_NODE
 */
struct vgpu_hw_desc {
	const char *name;
	const char *driver;
	u64 caps;
	u64 vram_bytes;
	unsigned int engines;
	unsigned int units;
	unsigned int spare_engines;
	unsigned int max_lanes;
	unsigned int shared_bytes;
	unsigned int max_instances;
	u32 section_bytes[VGPU_SEC_COUNT];
	const char *state_format;
	const struct vgpu_pt_format *format;
	unsigned int asids;
	int numa_node;
};

/**
 * struct vgpu_hw_ctx - what a backend needs to know of a context
 * @asid: tag of its address space
 * @root: VRAM address of its page table
 * @priv: the backend's own, see ctx_init
 */
struct vgpu_hw_ctx {
	u32 asid;
	u64 root;
	void *priv;
};

/**
 * struct vgpu_hw_job - one command for an engine
 * @cookie: comes back in the event
 * @op: VGPU_CMD_COPY, _FILL or _LAUNCH; checked against the GPU's limits
 * @copy: with VGPU_HW_MMU virtual, else VRAM addresses
 * @fill: likewise
 * @launch: likewise
 */
struct vgpu_hw_job {
	u64 cookie;
	u16 op;
	union {
		struct vgpu_cmd_copy copy;
		struct vgpu_cmd_fill fill;
		struct vgpu_cmd_launch launch;
	};
};

enum vgpu_hw_event_type {
	VGPU_HW_DONE,		/* the job ended well; the engine stopped */
	VGPU_HW_PREEMPTED,	/* the engine stopped midway, state in it */
	VGPU_HW_FAULT,		/* the job ended badly; the engine stopped */
	VGPU_HW_ECC,		/* a page of VRAM went bad; runs on */
};

/**
 * struct vgpu_hw_event - an engine's answer
 * @type: what happened
 * @engine: where
 * @cookie: of the job
 * @service: engine time used since run() was called, ns
 * @bytes: moved by copy and fill since run() was called
 * @error: FAULT: -EFAULT (address), -ENOEXEC (instruction), ...
 * @fault_va: FAULT: address
 * @fault_access: FAULT: VGPU_PROT_* of the access
 * @restart: FAULT, with VGPU_HW_RESTART: an entry was absent, and run() with
 *	@resume tries the access again. Not for entries that are there and
 *	forbid it
 * @page: ECC: VRAM address
 * @has_pc: FAULT: what follows is known
 * @pc: FAULT: of the instruction, which has not taken effect
 * @mask: FAULT: lanes of its workgroup that had not ended
 * @group: FAULT: number of the workgroup
 * @lane: FAULT: which of them
 */
struct vgpu_hw_event {
	enum vgpu_hw_event_type type;
	unsigned int engine;
	u64 cookie;
	u64 service;
	u64 bytes;
	int error;
	u64 fault_va;
	u32 fault_access;
	bool restart;
	u64 page;
	bool has_pc;
	u64 pc;
	u64 mask;
	u64 group;
	u32 lane;
};

/** struct vgpu_hw_pte - one entry to write, in a batch */
struct vgpu_hw_pte {
	u64 addr;	/* in VRAM */
	u64 value;
};

/**
 * struct vgpu_backend_ops - what a backend can be told
 *
 * @hw is the pointer given to vgpu_gpu_register().  Operations that a
 * capability guards may be NULL without it.
 */
struct vgpu_backend_ops {
	/* process: prepare a context; may set ctx->priv. 0 or errno. */
	int (*ctx_init)(void *hw, struct vgpu_hw_ctx *ctx);
	/* process: undo; no engine has the context any more. */
	void (*ctx_fini)(void *hw, struct vgpu_hw_ctx *ctx);

	/*
	 * SAVE, atomic, engine stopped: write section @sec to @buf (of
	 * section_bytes[sec]); returns bytes used.
	 */
	u32 (*save)(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		    void *buf);
	/*
	 * SAVE, atomic, engine stopped: which sections (bit mask) changed
	 * since they were loaded or last saved.
	 */
	u32 (*dirty)(void *hw, unsigned int engine);
	/*
	 * SAVE, atomic, engine stopped: read back what save() wrote. After
	 * the last section the engine is as it was when it was saved.
	 */
	void (*load)(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		     const void *buf, u32 bytes);
	/*
	 * BLOCKS, atomic, engine stopped: sets a bit of @map (zeroed, one for
	 * each block of VGPU_SEC_BLOCK bytes of section_bytes[@sec]) for what
	 * changed since it was loaded, last saved, or cleared, in which case
	 * it was 0. Returns the length of the section, of whole blocks, which
	 * stays the same until the job ends; 0: it is saved in one piece. One
	 * in which nothing changed is clean from then on, see dirty().
	 */
	u32 (*blocks)(void *hw, unsigned int engine, enum vgpu_hw_section sec,
		      unsigned long *map);
	/*
	 * BLOCKS, likewise: write @count blocks from @first on to where they
	 * belong in @buf, which is the section's. They have not changed then.
	 */
	void (*save_blocks)(void *hw, unsigned int engine,
			    enum vgpu_hw_section sec, void *buf, u32 first,
			    u32 count);
	/*
	 * BLOCKS, likewise: read them back, onto an engine that was cleared.
	 * What is in none of the blocks that are loaded stays 0.
	 */
	void (*load_blocks)(void *hw, unsigned int engine,
			    enum vgpu_hw_section sec, const void *buf,
			    u32 first, u32 count);
	/*
	 * BANK, atomic, engine stopped: the banks change places, with all that
	 * is in them.
	 */
	void (*flip)(void *hw, unsigned int engine);
	/*
	 * Atomic, engine stopped: forget all state (another tenant's lies in
	 * it) and take up @ctx with nothing in progress.
	 */
	void (*clear)(void *hw, unsigned int engine,
		      const struct vgpu_hw_ctx *ctx);
	/*
	 * Atomic, engine stopped: start @job, or with @resume go on with the
	 * job whose state is in the engine (@job is the same as then).
	 * Answer: exactly one of DONE, PREEMPTED, FAULT.
	 */
	void (*run)(void *hw, unsigned int engine,
		    const struct vgpu_hw_job *job, bool resume);
	/*
	 * PREEMPT, atomic, also from hard interrupts: stop soon. No answer of
	 * its own: run's answer comes early. Harmless when already stopped.
	 */
	void (*preempt)(void *hw, unsigned int engine);
	/*
	 * Process: stop by force and forget all state. After return the
	 * engine is stopped and run's answer, if it had not come, never comes.
	 */
	int (*reset)(void *hw, unsigned int engine);
	/*
	 * UNITS, process, engine stopped, what is in it saved if need be: from
	 * now on @engine has the compute units in @mask and nothing else, and
	 * all its state is forgotten.  Bit n of @mask is unit n of the GPU; to
	 * begin with the first @units of them are engine 0's, and so on.  An
	 * engine gets at most @units, and while it has none it is not told to
	 * run.  What a context that was saved before had in progress goes on
	 * with fewer or more units, to the same end.  The core serialises the
	 * calls for a GPU.  -EBUSY: another engine has one of the units; with
	 * any errno nothing changed.
	 */
	int (*set_units)(void *hw, unsigned int engine, u64 mask);
	/* Any context: engine time of @engine, ns, never goes back. */
	u64 (*clock)(void *hw, unsigned int engine);

	/* Any context: the page at @addr of VRAM, for the CPU; never NULL
	 * inside vram_bytes.
	 */
	struct page *(*vram_page)(void *hw, u64 addr);
	/* Process: zero [@addr, @addr + @bytes), page-aligned. */
	void (*vram_clear)(void *hw, u64 addr, u64 bytes);

	/* MMU, process: write entries, in order. */
	void (*pte_write)(void *hw, const struct vgpu_hw_pte *ptes,
			  unsigned int count);
	/*
	 * MMU, process: for each entry, fetch its value and clear those of
	 * @bits that are set in it, in one step for the GPU. Needed with
	 * format.accessed or .dirty.
	 */
	void (*pte_harvest)(void *hw, struct vgpu_hw_pte *ptes,
			    unsigned int count, u64 bits);
	/*
	 * MMU, process: drop translations of @asid in [@va, @va + @bytes);
	 * takes effect by the next tlb_sync().
	 */
	void (*tlb_invalidate)(void *hw, u32 asid, u64 va, u64 bytes);
	/*
	 * MMU, process: returns when no engine can use a translation that was
	 * invalidated before the call. Bounded: a few preemption checks.
	 */
	void (*tlb_sync)(void *hw);
};

/**
 * vgpu_gpu_register() - brings a GPU under management
 * @dev: its device: parent of mdevs, target of DMA mappings
 * @desc: what it is; copied
 * @ops: what it can be told; must outlive the registration
 * @hw: handed back in each operation
 * @owner: module to pin while instances exist
 *
 * Context: process. The backend must be ready for every operation.
 * Return: the GPU, or ERR_PTR(-EINVAL) for a description that contradicts
 * itself (the log says how), -EEXIST for a name in use, -ENOMEM.
 */
struct vgpu_gpu *vgpu_gpu_register(struct device *dev,
				   const struct vgpu_hw_desc *desc,
				   const struct vgpu_backend_ops *ops,
				   void *hw, struct module *owner);

/**
 * vgpu_gpu_unregister() - takes a GPU away, whatever it is doing
 * @gpu: from vgpu_gpu_register()
 *
 * Instances die: commands end in errors, waiters get -ENODEV, mappings are
 * zapped, mdevs are asked for. After return no operation is called.
 * Context: process; waits in bounded time for engines, not for tenants
 * (mdev users excepted, as the driver core requires).
 */
void vgpu_gpu_unregister(struct vgpu_gpu *gpu);

/**
 * vgpu_gpu_event() - an engine answers
 * @gpu: the GPU
 * @ev: what happened; not kept
 *
 * Context: any but NMI, with no lock that an operation takes: load, save,
 * clear and run are called for this engine before it returns.
 */
void vgpu_gpu_event(struct vgpu_gpu *gpu, const struct vgpu_hw_event *ev);

#endif /* _VGPU_BACKEND_H */
