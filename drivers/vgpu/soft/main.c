// SPDX-License-Identifier: GPL-2.0
/*
 * vgpu_soft: the reference GPU as a module, and its parameters.
 *
 * Engine time is counted, never measured: the timing parameters describe the
 * machine that is modelled, and the same program takes the same engine time
 * on every host.  The default clock makes engine time pass at about the rate
 * of wall time where the interpreter itself runs under emulation.
 */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/numa.h>

#include "soft_priv.h"

static unsigned int gpus = 1;
module_param(gpus, uint, 0444);
MODULE_PARM_DESC(gpus, "GPUs, 1 to 8 (default 1)");

static unsigned int vram_mb = 256;
module_param(vram_mb, uint, 0444);
MODULE_PARM_DESC(vram_mb, "memory of each GPU, MiB, even, 2 to 524288 (default 256)");

static unsigned int engines = 1;
module_param(engines, uint, 0444);
MODULE_PARM_DESC(engines, "engines of each GPU, 1 to 8 (default 1)");

static unsigned int units = 4;
module_param(units, uint, 0444);
MODULE_PARM_DESC(units, "compute units of each engine, 1 to 64 (default 4)");

static int node[SOFT_MAX_GPUS] = { [0 ... SOFT_MAX_GPUS - 1] = NUMA_NO_NODE };
module_param_array(node, int, NULL, 0444);
MODULE_PARM_DESC(node, "NUMA node of each GPU (default none)");

static unsigned int domain = 0x1f600;
module_param(domain, uint, 0444);
MODULE_PARM_DESC(domain, "PCI domain of the first GPU, above 0x10000; the others follow (default 0x1f600)");

static unsigned int insn_ns = 150;
module_param(insn_ns, uint, 0444);
MODULE_PARM_DESC(insn_ns, "clock: engine time of one instruction of one unit, ns, 1 to 1000000 (default 150)");

static unsigned int copy_mbps = 1000;
module_param(copy_mbps, uint, 0444);
MODULE_PARM_DESC(copy_mbps, "bandwidth of copy and fill, MB/s of engine time; 0: takes none (default 1000)");

static unsigned int save_mbps;
module_param(save_mbps, uint, 0444);
MODULE_PARM_DESC(save_mbps, "bandwidth of saving and restoring state, MB/s of engine time; 0: takes none (default 0)");

static unsigned int fault_ns;
module_param(fault_ns, uint, 0444);
MODULE_PARM_DESC(fault_ns, "engine time that a fault takes, ns, up to 10^9 (default 0)");

static unsigned int preempt_ns;
module_param(preempt_ns, uint, 0444);
MODULE_PARM_DESC(preempt_ns, "engine time that stopping for a preemption takes, ns, up to 10^9 (default 0)");

static unsigned int check = 256;
module_param(check, uint, 0444);
MODULE_PARM_DESC(check, "instructions between looks at a preemption request, 1 to 1024 (default 256)");

static unsigned int extra_kb;
module_param(extra_kb, uint, 0444);
MODULE_PARM_DESC(extra_kb, "vector registers of a context, KiB, up to 16384 (default 0)");

static unsigned int banks = 2;
module_param(banks, uint, 0444);
MODULE_PARM_DESC(banks, "places for the state of a context in each engine, 1 or 2: with 2 one is loaded while the other works (default 2)");

/**
 * soft_config_get() - the shape that the module parameters ask for
 * @config: result; the node is the caller's
 *
 * Return: 0 or -EINVAL, and the log says why.
 */
int soft_config_get(struct soft_config *config)
{
	static const struct {
		const char *name;
		unsigned int *value;
		unsigned int min, max;
	} ranges[] = {
		{ "gpus", &gpus, 1, SOFT_MAX_GPUS },
		{ "vram_mb", &vram_mb, 2, 1U << 19 },
		{ "engines", &engines, 1, SOFT_MAX_ENGINES },
		{ "units", &units, 1, SOFT_MAX_UNITS },
		{ "domain", &domain, 0x10000, 0x7ffffff0 },
		{ "insn_ns", &insn_ns, 1, 1000000 },
		{ "fault_ns", &fault_ns, 0, 1000000000 },
		{ "preempt_ns", &preempt_ns, 0, 1000000000 },
		{ "check", &check, 1, SOFT_TURN },
		{ "extra_kb", &extra_kb, 0, 16384 },
		{ "banks", &banks, 1, 2 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		unsigned int v = *ranges[i].value;

		if (v >= ranges[i].min && v <= ranges[i].max)
			continue;
		pr_err("vgpu_soft: %s=%u: must be %u to %u\n", ranges[i].name,
		       v, ranges[i].min, ranges[i].max);
		return -EINVAL;
	}
	if (vram_mb & 1) {
		pr_err("vgpu_soft: vram_mb=%u: must be even\n", vram_mb);
		return -EINVAL;
	}
	*config = (struct soft_config) {
		.engines = engines,
		.units = units,
		.vram_bytes = (u64)vram_mb << 20,
		.extra_bytes = extra_kb << 10,
		.banks = banks,
		.check = check,
		.node = NUMA_NO_NODE,
		.timing = {
			.insn_ns = insn_ns,
			.copy_mbps = copy_mbps,
			.save_mbps = save_mbps,
			.fault_ns = fault_ns,
			.preempt_ns = preempt_ns,
		},
	};
	return 0;
}

static int __init soft_init(void)
{
	struct soft_config config;
	unsigned int i;
	int err;

	err = soft_config_get(&config);
	if (err)
		return err;
	for (i = 0; i < gpus; i++) {
		if (node[i] == NUMA_NO_NODE)
			continue;
		if (node[i] < 0 || node[i] >= MAX_NUMNODES ||
		    !node_online(node[i])) {
			pr_err("vgpu_soft: node=%d: no such node\n", node[i]);
			return -EINVAL;
		}
	}
	soft_inject_init();
	err = soft_pci_init(gpus, domain, node);
	if (err)
		soft_inject_exit();
	return err;
}

static void __exit soft_exit(void)
{
	soft_pci_exit();
	soft_inject_exit();
}

module_init(soft_init);
module_exit(soft_exit);
MODULE_DESCRIPTION("vgpu's reference GPU: a machine made of software");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(VGPU);
MODULE_SOFTDEP("post: vgpu_vfio");
