// SPDX-License-Identifier: GPL-2.0
/*
 * All that vgpuctl can do.  --help, the man page and the completion of the
 * shell are made of this table (help.c, docs.c).
 */
#include <string.h>

#include "vgpuctl.h"

const struct option_desc global_options[] = {
	{ 'j', "json", NULL, ARG_NONE, "print JSON, for programs" },
	{ 'p', "pretty", NULL, ARG_NONE, "print JSON that is laid out for reading" },
	{ 0, "color", "WHEN", ARG_COLOR, "auto (on a terminal; the default), always or never" },
	{ 'h', "help", NULL, ARG_NONE, "say how, and stop" },
	{ 'V', "version", NULL, ARG_NONE, "print the version, and stop" },
	{ .name = NULL },
};

#define GPU_OPTION(text) { 'g', "gpu", "GPU", ARG_GPU, text }
#define END { .name = NULL }

static const struct option_desc list_options[] = {
	GPU_OPTION("only the vGPUs of this GPU"), END
};

static const struct option_desc gpu_set_options[] = {
	{ 0, "policy", "NAME", ARG_POLICY, "who decides what runs next: rr, fair, prio, mlfq, fixed, burst, or one that a module brought" },
	{ 0, "slice", "TIME", ARG_TIME, "time slice, 100us to 100ms (default: 2ms)" },
	{ 0, "preempt-timeout", "TIME", ARG_TIME,
	  "an engine that ignores a preemption for so long is reset, 1ms to 60s (default: 1s)" },
	{ 0, "strategy", "NAME", ARG_STRATEGY,
	  "which free memory serves a request: best, buddy, first or worst" },
	{ 0, "switch", "WAYS", ARG_SWITCH, "what is left out when a context is switched: incremental, lazy, predicted, or several with commas; full: nothing (default: all that the GPU can)" },
	{ 0, "max-contexts", "N", ARG_NUMBER, "contexts of all vGPUs together, 1 to 1024 (default: 1024)" },
	{ 0, "serialize", "WHETHER", ARG_TEXT, "on: only one owner's vGPUs, a group's or one alone, are on any engine of the GPU at a time, in turns by weight (default: off)" },
	{ 0, "degrade", "STEP", ARG_DEGRADE, "let less of it go on, as when mediation fails: basic-limit (nothing new), deny-all (what was accepted ends) or stop (all work ends at once); `gpu recover` brings it back" },
	{ 0, "degrade-after", "LIST", ARG_TEXT, "failures of mediation within the window that lead to each of these by themselves, 1 to 64 (default: 3,6,12)" },
	{ 0, "degrade-window", "SECONDS", ARG_NUMBER, "that window, 1 to 3600 (default: 60)" },
	{ 0, "tune-slice", "MODE", ARG_TUNE, "let the slice follow what switches cost and how long is waited: on, dry-run (events tell what would be done) or off (the default; what was tuned is undone)" },
	{ 0, "tune-threshold", "MODE", ARG_TUNE, "likewise the time that who runs keeps from who wakes up: off, dry-run or on" },
	{ 0, "tune-batch", "MODE", ARG_TUNE, "likewise how many commands are taken from a ring at once: off, dry-run or on" },
	{ 0, "tune-pool", "MODE", ARG_TUNE, "likewise how many clean blocks are kept at hand: off, dry-run or on" },
	{ 0, "tune-bounds", "LIST", ARG_TEXT, "what they may be at least and at most, as slice=1ms-8ms,batch=50-200 (default: slice=500us-16ms,threshold=0us-4ms,batch=25-400,pool=32-512)" },
	END
};

#define ROOT_OPTION { 0, "root", "DIR", ARG_FOLDER, "look at the machine whose sys and usr are in this folder" }

static const struct option_desc gpu_scan_options[] = {
	ROOT_OPTION, END
};

static const struct option_desc gpu_select_options[] = {
	{ 0, "mode", "MODE", ARG_MODE, "auto (what of passthrough, mdev, soft comes first and fits; the default), or only passthrough, mdev or soft" },
	{ 0, "prefer", "LIST", ARG_MODES, "with auto: these modes first, in this order, with commas" },
	{ 0, "no-fallback", NULL, ARG_NONE, "and no others" },
	ROOT_OPTION, END
};

static const struct option_desc mem_set_options[] = {
	{ 0, "overcommit", "RATIO", ARG_TEXT, "how much is promised at most, as a multiple of what there is: 1 to 8" },
	{ 0, "read-ahead", "CHUNKS", ARG_NUMBER, "how many pieces of 64 KiB to bring back before they are asked for, when memory is used in order, 0 to 32; 0 for none (default: 8)" },
	{ 0, "tier-limit", "SIZE", ARG_SIZE, "how much of the system's memory evicted memory may take, compressed, as 512M; what was evicted longest ago goes where the system can swap it then; 0 for never (default: a quarter of the memory)" },
	{ 0, "defrag-threshold", "PERCENT", ARG_TEXT, "fragmentation above which memory is moved unasked (default: 30 %)" },
	{ 0, "defrag-interval", "SECONDS", ARG_NUMBER, "how often to look at it, 0 to 86400; 0 for never (default: 300)" },
	END
};

static const struct option_desc type_options[] = {
	GPU_OPTION("only the types of this GPU"), END
};

static const struct option_desc create_options[] = {
	{ 't', "type", "TYPE", ARG_TYPE, "its type, as `vgpuctl type list` names them (needed)" },
	GPU_OPTION("on this GPU (default: where most of the type fit)"),
	{ 'u', "uuid", "UUID", ARG_UUID, "its UUID (default: a new one)" },
	{ 'w', "weight", "N", ARG_NUMBER, "share of the engines among the busy, 1 to 10000 (default: the type's)" },
	{ 0, "priority", "N", ARG_NUMBER, "0 (lowest) to 7 (default: 4)" },
	{ 'b', "bandwidth", "MB/S", ARG_NUMBER, "copy bandwidth in MB/s, 0 for no limit (the default)" },
	{ 0, "units", "N", ARG_NUMBER, "compute units for itself alone, 0 to share them (the default)" },
	{ 0, "mdev", NULL, ARG_NONE, "a mediated device for a VM, made through sysfs" },
	{ 0, "start", NULL, ARG_NONE, "start it as well" },
	END
};

static const struct option_desc set_options[] = {
	{ 'w', "weight", "N", ARG_NUMBER, "share of the engines among the busy, 1 to 10000" },
	{ 0, "priority", "N", ARG_NUMBER, "0 (lowest) to 7" },
	{ 'b', "bandwidth", "MB/S", ARG_NUMBER, "copy bandwidth in MB/s, 0 for no limit" },
	{ 0, "vram", "SIZE", ARG_SIZE, "memory, as 64M or 1G" },
	{ 0, "units", "N", ARG_NUMBER, "compute units for itself alone, 0 to share them; only while it is stopped and not open" },
	{ 0, "allow", "RIGHTS", ARG_RIGHTS, "what its programs may ask for: all, none, or some of memory, user-memory, share, map, queue, ring, launch, transfer and sync, with commas; -NAME takes one away" },
	{ 0, "on-quota", "LIST", ARG_TEXT, "what becomes of who asks for more, as memory=queue,bandwidth=preempt: of memory and contexts reject (the default) or queue, of bandwidth throttle (the default), queue or preempt" },
	{ 0, "quota-wait", "TIME", ARG_TIME, "how long a call waits for room with queue, 1ms to 60s (default: 5s); then it is refused" },
	{ 0, "pad", "TIME", ARG_TIME, "ends of its commands show on a grid of so long only, 1us to 100ms; 0 for at once" },
	{ 0, "pad-jitter", "TIME", ARG_TIME, "and by chance up to so much later, no more than --pad" },
	{ 0, "dump-limit", "N", ARG_NUMBER, "dumps that its faults and hangs may leave in an hour, up to 3600 (default: 4), 0 for none" },
	END
};

static const struct option_desc save_options[] = {
	{ 0, "stop", NULL, ARG_NONE, "stop it when the image is on the disk, before it goes on" },
	END
};

static const struct option_desc dump_options[] = {
	{ 0, "clear", NULL, ARG_NONE, "and make room for the next one of that GPU" },
	END
};

static const struct option_desc restore_options[] = {
	GPU_OPTION("on this GPU (default: 0)"),
	{ 'u', "uuid", "UUID", ARG_UUID, "its UUID (default: that of the image)" },
	{ 0, "paused", NULL, ARG_NONE, "leave it paused" },
	END
};

static const struct option_desc sched_set_options[] = {
	{ 0, "policy", "NAME", ARG_POLICY, "of a GPU: rr, fair, prio, mlfq, fixed, burst, or one that a module brought" },
	{ 0, "slice", "TIME", ARG_TIME, "time slice, 100us to 100ms; of a vGPU its own, 0 for its GPU's; of a GPU 0 for the default, or the governor's" },
	{ 0, "governor", "MODE", ARG_GOVERNOR, "of a GPU: off (the default), auto, or emergency, performance, balanced or power-save for good" },
	{ 'w', "weight", "N", ARG_NUMBER, "share among the busy, 1 to 10000 (in its group, if it has one)" },
	{ 0, "priority", "N", ARG_NUMBER, "0 (lowest) to 7, under prio" },
	{ 0, "cap", "PERCENT", ARG_NUMBER, "part of the engine time, as 12.5%; 0 for none: under fixed the most it gets, under burst what it gets at least while others want more; other policies keep no caps" },
	{ 0, "group", "NAME", ARG_TEXT, "tenant that it belongs to; none for no one" },
	{ 0, "group-weight", "N", ARG_NUMBER, "share of its whole group, 1 to 10000 (a new one has 100)" },
	END
};

static const struct option_desc access_add_options[] = {
	{ 'u', "uid", "USER", ARG_TEXT, "about this user, by name or number (default: about anybody)" },
	{ 'g', "gid", "GROUP", ARG_TEXT, "about who is in this group" },
	{ 'c', "cgroup", "PATH", ARG_TEXT, "about what runs in this control group (v2) or below, as /machine.slice" },
	{ 0, "gpu", "LIST", ARG_TEXT, "only vGPUs of these GPUs, as 0,2 (default: of all)" },
	{ 0, "vgpu", "VGPU", ARG_VGPU, "only this vGPU" },
	{ 0, "days", "LIST", ARG_TEXT, "only on these days, as mon,tue or all,-sun (default: all)" },
	{ 0, "from", "HH:MM", ARG_TEXT, "only from this time of the day on, UTC" },
	{ 0, "to", "HH:MM", ARG_TEXT, "and until this one; if it is before --from, of the next day" },
	{ 0, "at", "N", ARG_NUMBER, "before rule N (default: behind the last)" },
	{ 'n', "dry-run", NULL, ARG_NONE, "only say how many would be cut off" },
	END
};

static const struct option_desc access_delete_options[] = {
	{ 'n', "dry-run", NULL, ARG_NONE, "only say how many would be cut off" },
	END
};

static const struct option_desc config_load_options[] = {
	{ 'n', "dry-run", NULL, ARG_NONE, "only say what would be changed" },
	{ 'w', "wait", "SECONDS", ARG_NUMBER, "so long at most for the GPUs of the file to be there (default: 0)" },
	END
};

static const struct option_desc top_options[] = {
	{ 'b', "batch", NULL, ARG_NONE, "print samples one after the other" },
	{ 'n', "count", "N", ARG_NUMBER, "stop after N samples" },
	{ 'd', "delay", "S", ARG_NUMBER, "seconds between samples (default: 1)" },
	END
};

static const struct option_desc events_options[] = {
	{ 0, "group", "NAME", ARG_GROUP, "only lifecycle, quota, health, governor, memory or performance; may be a list with commas" },
	{ 'n', "count", "N", ARG_NUMBER, "stop after N events" },
	{ 't', "timeout", "S", ARG_NUMBER, "stop after S seconds; exit status 4 when --count was not reached" },
	END
};

static const struct option_desc trace_options[] = {
	{ 's', "seconds", "N", ARG_NUMBER, "for so long, up to 3600 (default: 5); Ctrl-C ends it before, and keeps what there is" },
	{ 'o', "output", "FILE", ARG_FOLDER, "write to this file (default: vgpu-trace.json)" },
	END
};

static const struct option_desc qemu_options[] = {
	{ 'l', "libvirt", NULL, ARG_NONE, "print libvirt's <hostdev> instead, for `virsh attach-device` and `virsh edit`" },
	END
};

static const struct option_desc metrics_options[] = {
	{ 'o', "output", "FILE", ARG_FOLDER, "there, whole or not at all, instead of standard output" },
	END
};

static const struct option_desc cdi_options[] = {
	GPU_OPTION("only the vGPUs of this GPU"),
	{ 'o', "output", "FILE", ARG_FOLDER, "there, whole or not at all, instead of standard output" },
	END
};

static const struct option_desc monitor_show_options[] = {
	{ 0, "from", "NO", ARG_NUMBER, "only the samples from this number on" },
	{ 'n', "last", "N", ARG_NUMBER, "only the last N of them" },
	END
};

static const struct option_desc monitor_set_options[] = {
	{ 0, "period", "TIME", ARG_TIME, "from one sample to the next, 50ms to 3600s (default: 1s), or off" },
	{ 0, "limit", "LIST", ARG_TEXT, "an event tells when a figure comes to this, and when it is well below again: busy, memory and overhead in per cent, bandwidth in bytes a second, wait as a time, commands a second, as busy=95%,wait=20ms; off for none (the default)" },
	{ 0, "anomalies", "WHETHER", ARG_SWITCHED, "on: events tell of figures that are unlike what they were lately; off (the default): none do" },
	END
};

static const struct option_desc report_options[] = {
	GPU_OPTION("only of this GPU"),
	{ 0, "html", "FILE", ARG_FOLDER, "write a page with charts to this file" },
	END
};

static const struct option_desc help_options[] = {
	{ 0, "format", "FORMAT", ARG_FORMAT, "text (the default), man, bash or json" },
	END
};

#define EXAMPLES(...) (const struct example[]) { __VA_ARGS__, { NULL, NULL } }

#define SHOW_MORE \
	"Without root only what nodes and sysfs show as well: number, UUID, GPU, type and state."

const struct command commands[] = {
	{
		.noun = "list", .args = "",
		.help = "GPUs and their vGPUs at a glance (same as vgpu list)",
		.options = list_options, .handler = cmd_vgpu_list,
		.examples = EXAMPLES({ "vgpuctl list", "who uses what" }),
	},
	{
		.noun = "gpu", .verb = "list", .args = "",
		.help = "physical GPUs",
		.handler = cmd_gpu_list,
		.examples = EXAMPLES({ "vgpuctl gpu list", "which GPUs there are" }),
	},
	{
		.noun = "gpu", .verb = "show", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "all that is known of a GPU",
		.handler = cmd_gpu_show,
		.examples = EXAMPLES({ "vgpuctl gpu show 0", "GPU 0, with its engines" }),
	},
	{
		.noun = "gpu", .verb = "set", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "change how a GPU is shared, while it runs",
		.more = "All that is named is changed, or nothing. Work goes on meanwhile. What is tuned follows the samples of the monitor, a step at a time; a slice that was set by hand, or that a governor holds, is not.",
		.options = gpu_set_options, .handler = cmd_gpu_set,
		.examples = EXAMPLES({ "vgpuctl gpu set 0 --policy fair --slice 2ms",
				       "weighted fair share, switched every 2 ms" }),
	},
	{
		.noun = "gpu", .verb = "recover", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "bring a GPU whose mediation failed back to normal",
		.more = "Failures so far count no more. After a stop its vGPUs are failed, and can be started.",
		.handler = cmd_gpu_recover,
		.examples = EXAMPLES({ "vgpuctl gpu recover 0", "GPU 0" }),
	},
	{
		.noun = "gpu", .verb = "scan", .args = "",
		.help = "GPUs, accelerators, network and storage of this machine",
		.more = "All that is on the PCI bus, whether vgpu can share it or not: address, vendor and model (named by /usr/share/misc/pci.ids, if that is there), driver, IOMMU group and who else is in it, types of mediated devices and how many more of each fit, and which of vgpu's GPUs it is. Memory is what vgpu or the driver says; >= stands for the part that the CPU can see. What cannot be read is named.",
		.options = gpu_scan_options, .handler = cmd_gpu_scan,
		.examples = EXAMPLES({ "vgpuctl gpu scan", "what there is" },
				     { "vgpuctl -j gpu scan --root /mnt/other", "the same of another machine's files, for programs" }),
	},
	{
		.noun = "gpu", .verb = "select", .args = "",
		.help = "choose a GPU and a mode of sharing it, and say why",
		.more = "Modes: passthrough (all of a GPU for one VM), mdev (mediated devices of a GPU whose driver makes them) and soft (vgpu's software GPU, which any machine can have). Nothing is taken from anybody, and nothing is changed: a GPU that the host uses, or that shares an IOMMU group with something that the host uses, does not fit. In a mode, passthrough prefers what is bound to VFIO already, then more memory; mdev more room. What is done next is printed, and why each other candidate was not chosen. Exit status 0 when there is one, 3 when none fits.",
		.options = gpu_select_options, .handler = cmd_gpu_select,
		.examples = EXAMPLES({ "vgpuctl gpu select", "the best that this machine has" },
				     { "vgpuctl gpu select --prefer mdev", "mediated devices, or what else there is" },
				     { "vgpuctl -j gpu select --prefer passthrough,mdev --no-fallback", "hardware or nothing, for programs" }),
	},
	{
		.noun = "mem", .verb = "show", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "memory of a GPU: a map, who has how much, and what of it is elsewhere",
		.more = "In the map each sign stands for the same amount of memory, from address 0 on, and for what most of that is; blocks in shades, or + in place of #, tell that part of it is free. Fragmentation is the part of the free memory that is not in its longest run.",
		.handler = cmd_mem_show,
		.examples = EXAMPLES({ "vgpuctl mem show 0", "of GPU 0" }),
	},
	{
		.noun = "mem", .verb = "set", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "change how much memory may be promised, what is brought back unasked, and when it is moved",
		.more = "Above 1, new buffers of programs and containers need not be in the GPU's memory all the time: what was not used for long goes to compressed system memory, which their control group pays for, and comes back when it is needed. Buffers of VMs stay.",
		.options = mem_set_options, .handler = cmd_mem_set,
		.examples = EXAMPLES({ "vgpuctl mem set 0 --overcommit 2", "promise twice what there is" },
				     { "vgpuctl mem set 0 --defrag-threshold 50% --defrag-interval 60", "look once a minute, and move memory when less than half of what is free is in one run" }),
	},
	{
		.noun = "mem", .verb = "defrag", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "move what is in use, so that what is free is in one run",
		.more = "Programs run meanwhile, a little slower; what is being moved is out of their reach for milliseconds. Ends when it is done; interrupting it ends only the waiting.",
		.handler = cmd_mem_defrag,
		.examples = EXAMPLES({ "vgpuctl mem defrag 0", "shows fragmentation before and after" }),
	},
	{
		.noun = "type", .verb = "list", .args = "",
		.help = "shapes in which vGPUs are made, and how many more fit",
		.more = "A type is named for its part of the engines in eighths and its memory: 2g.64m stands for a quarter of the engines and 64 MiB. An eighth is a weight of 100 beside others: it limits nobody who is alone, for that there are caps (see POLICIES).",
		.options = type_options, .handler = cmd_type_list,
		.examples = EXAMPLES({ "vgpuctl type list --gpu 0", "what can be made on GPU 0" }),
	},
	{
		.noun = "vgpu", .verb = "list", .args = "",
		.help = "GPUs and their vGPUs at a glance",
		.more = SHOW_MORE " ENTITLED is what its weight stands for among those that had work, RECEIVED what it got, both over about the last second. Inside a VM it lists the VM's own vGPUs.",
		.options = list_options, .handler = cmd_vgpu_list,
		.examples = EXAMPLES({ "vgpuctl -j vgpu list", "the same for programs" }),
	},
	{
		.noun = "vgpu", .verb = "show", .args = "VGPU", .arg = ARG_VGPU,
		.min = 1, .max = 1,
		.help = "all that is known of a vGPU",
		.more = SHOW_MORE,
		.handler = cmd_vgpu_show,
		.examples = EXAMPLES({ "vgpuctl vgpu show v0", "by number" }),
	},
	{
		.noun = "vgpu", .verb = "create", .args = "",
		.help = "make a vGPU",
		.more = "It gets a node, /dev/vgpu/vN, for programs and containers. With --mdev it becomes a mediated device instead, to be attached to a VM.",
		.options = create_options, .handler = cmd_vgpu_create,
		.examples = EXAMPLES({ "vgpuctl vgpu create --type 1g.32m --weight 300 --start",
				       "for programs of the host, three times the usual share" },
				     { "vgpuctl vgpu create --type 1g.32m --mdev",
				       "for a VM" }),
	},
	{
		.noun = "vgpu", .verb = "start", .args = "VGPU...", .arg = ARG_VGPU,
		.min = 1, .max = 1000,
		.help = "let tenants in",
		.handler = cmd_vgpu_verb,
		.examples = EXAMPLES({ "vgpuctl vgpu start v0 v1", "both" }),
	},
	{
		.noun = "vgpu", .verb = "pause", .args = "VGPU...", .arg = ARG_VGPU,
		.min = 1, .max = 1000,
		.help = "let its work wait, and keep all of it",
		.handler = cmd_vgpu_verb,
		.examples = EXAMPLES({ "vgpuctl vgpu pause v0", "until resumed" }),
	},
	{
		.noun = "vgpu", .verb = "resume", .args = "VGPU...", .arg = ARG_VGPU,
		.min = 1, .max = 1000,
		.help = "let paused work go on",
		.handler = cmd_vgpu_verb,
		.examples = EXAMPLES({ "vgpuctl vgpu resume v0", "where it was" }),
	},
	{
		.noun = "vgpu", .verb = "stop", .args = "VGPU...", .arg = ARG_VGPU,
		.min = 1, .max = 1000,
		.help = "end its work and let no tenant in",
		.handler = cmd_vgpu_verb,
		.examples = EXAMPLES({ "vgpuctl vgpu stop v0", "until started again" }),
	},
	{
		.noun = "vgpu", .verb = "destroy", .args = "VGPU...", .arg = ARG_VGPU,
		.min = 1, .max = 1000,
		.help = "unmake a vGPU that nobody uses",
		.more = "While a program or a VM holds it, it is refused and the holder is named. A mediated device is removed through sysfs, but only when no VM holds it, as sysfs would wait for the VM.",
		.handler = cmd_vgpu_destroy,
		.examples = EXAMPLES({ "vgpuctl vgpu destroy v0", "by number" }),
	},
	{
		.noun = "vgpu", .verb = "save", .args = "VGPU FILE", .arg = ARG_VGPU,
		.min = 2, .max = 2,
		.help = "write an image of a vGPU to a file",
		.more = "It stands still meanwhile, in the middle of its commands, and goes on then. The file has all that is in its memory: whoever can read it can read that. Memory that programs lent, dma-bufs, and vGPUs of VMs can't be saved. FILE is replaced when the image is whole; who gives up before (^C) finds what was there, and the vGPU goes on.",
		.options = save_options, .handler = cmd_vgpu_save,
		.examples = EXAMPLES({ "vgpuctl vgpu save v0 v0.image --stop", "and do not go on here" }),
	},
	{
		.noun = "vgpu", .verb = "restore", .args = "FILE", .arg = ARG_TEXT,
		.min = 1, .max = 1,
		.help = "make a vGPU of an image",
		.more = "It goes on where it was saved, on any GPU of the same kind that has room. What programs had open waits for them: who opens the node becomes one of the saved clients by VGPU_IOCTL_ADOPT. Who gives up (^C) leaves no vGPU behind.",
		.options = restore_options, .handler = cmd_vgpu_restore,
		.examples = EXAMPLES({ "vgpuctl vgpu restore v0.image --gpu 1", "on GPU 1" }),
	},
	{
		.noun = "vgpu", .verb = "set", .args = "VGPU", .arg = ARG_VGPU,
		.min = 1, .max = 1,
		.help = "change quotas of a vGPU, while it runs",
		.more = "All that is named is changed, or nothing. Memory cannot go below what is in use. What --allow takes away is refused from then on (EPERM); mappings and dma-bufs that go with it are gone at once. --pad hides from a vGPU how long others keep it waiting, as far as completions tell; its commands run as before.",
		.options = set_options, .handler = cmd_vgpu_set,
		.examples = EXAMPLES({ "vgpuctl vgpu set v0 --weight 300 --bandwidth 500",
				       "three times the usual share, copies of 500 MB/s at most" },
				     { "vgpuctl vgpu set v0 --allow all,-share,-user-memory",
				       "no dma-bufs, and no memory of its programs pinned" },
				     { "vgpuctl vgpu set v0 --pad 100us --pad-jitter 20us",
				       "it is told of ends 10000 times a second at most" }),
	},
	{
		.noun = "vgpu", .verb = "violations", .args = "VGPU", .arg = ARG_VGPU,
		.min = 1, .max = 1,
		.help = "who asked for more than a quota of it, and what was done",
		.more = "The latest 64, the oldest first. The same again within 10 s is one line, with a count. Who asked in a VM is shown by the program that runs the VM.",
		.handler = cmd_vgpu_violations,
		.examples = EXAMPLES({ "vgpuctl -j vgpu violations v0", "of v0, for programs" }),
	},
	{
		.noun = "access", .verb = "list", .args = "",
		.help = "who may open which vGPU, and when",
		.more = "The first rule that fits decides; who fits none may not. Without rules the nodes' permissions alone count.",
		.handler = cmd_access_list,
		.examples = EXAMPLES({ "vgpuctl access list", "with how often each decided" }),
	},
	{
		.noun = "access", .verb = "add", .args = "allow|deny", .arg = ARG_RULE,
		.min = 1, .max = 1,
		.help = "add a rule of who may open which vGPU, and when",
		.more = "Who has a vGPU open counts by the rights of who opened it. Those who may not any more, by this rule or when its time is over, are cut off: what they had on the vGPU is gone, and they get EACCES.",
		.options = access_add_options, .handler = cmd_access_add,
		.examples = EXAMPLES({ "vgpuctl access add allow --gid render", "only members of render" },
				     { "vgpuctl access add allow --uid bob --gpu 0 --days all,-sat,-sun --from 20:00 --to 06:00",
				       "bob may use GPU 0 in the nights from Monday to Friday" },
				     { "vgpuctl access add deny --cgroup /guests.slice --at 0 --dry-run",
				       "how many of what runs there has a vGPU open" }),
	},
	{
		.noun = "access", .verb = "delete", .args = "RULE|all", .arg = ARG_TEXT,
		.min = 1, .max = 1,
		.help = "take a rule away, by its number, or all",
		.options = access_delete_options, .handler = cmd_access_delete,
		.examples = EXAMPLES({ "vgpuctl access delete 0", "the first" }),
	},
	{
		.noun = "config", .verb = "save", .args = "[FILE]", .arg = ARG_FOLDER,
		.max = 1,
		.help = "write GPUs' settings, vGPUs and rules to a file",
		.more = "Without FILE to /etc/vgpu/config.json, which vgpu.service loads when the machine boots; - is standard output. What programs have in their vGPUs is not in it: see `vgpu save`.",
		.handler = cmd_config_save,
		.examples = EXAMPLES({ "vgpuctl config save", "as it is now, at the next boot" }),
	},
	{
		.noun = "config", .verb = "load", .args = "[FILE]", .arg = ARG_FOLDER,
		.max = 1,
		.help = "make GPUs, vGPUs and rules as they are in a file",
		.more = "vGPUs that are missing are made, with the same UUIDs, and started if they were; settings that differ are changed; nothing that the file does not name is touched. What can't be done is said, and the rest is done (exit status 1).",
		.options = config_load_options, .handler = cmd_config_load,
		.examples = EXAMPLES({ "vgpuctl config load --dry-run", "what is not as in /etc/vgpu/config.json" },
				     { "vgpuctl config load lab.json", "as in lab.json" }),
	},
	{
		.noun = "image", .verb = "show", .args = "FILE", .arg = ARG_TEXT,
		.min = 1, .max = 1,
		.help = "what is in an image of a vGPU",
		.more = "Checksums and contents are checked when it is restored.",
		.handler = cmd_image_show,
		.examples = EXAMPLES({ "vgpuctl image show v0.image", "whose it is, and how large" }),
	},
	{
		.noun = "dump", .verb = "show", .args = "FILE|GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "what a GPU left after a fault, a hang or a failure of mediation",
		.more = "The kernel keeps a GPU's dump for five minutes, or until it is cleared; it makes no other one meanwhile. It is /sys/class/devcoredump/devcd*/data, which can be copied and shown elsewhere. There is no memory of the program in it. How many a vGPU may cause: vgpu set --dump-limit.",
		.options = dump_options, .handler = cmd_dump_show,
		.examples = EXAMPLES({ "vgpuctl dump show 0", "that of GPU 0" },
				     { "vgpuctl -j dump show ./v0.dump", "a copy, for programs" }),
	},
	{
		.noun = "sched", .verb = "show", .args = "[GPU]", .arg = ARG_GPU,
		.max = 1,
		.help = "how engines are shared, and what came of it",
		.more = "For each engine its policy, switches, idleness and what the policy itself counts; for each vGPU what it was given, engine time, waits and latencies. RUN and OVER (time beyond its slices while others waited) are engine time, the rest is wall time. With -j also histograms of the latency of waking up and of waits.",
		.handler = cmd_sched_show,
		.examples = EXAMPLES({ "vgpuctl sched show 0", "of GPU 0" }),
	},
	{
		.noun = "sched", .verb = "set", .args = "GPU|VGPU", .arg = ARG_TARGET,
		.min = 1, .max = 1,
		.help = "change how engines are shared, while they work",
		.more = "A number alone is a GPU's; a vGPU is v0 or a UUID. All that is named is changed, or nothing, and nothing that is queued or runs is lost. With the governor on auto, slices and the time that a vGPU keeps from one that wakes up follow the load; a slice that was set by hand stays. Caps that add up past 100 % are refused under policies that keep them.",
		.options = sched_set_options, .handler = cmd_sched_set,
		.examples = EXAMPLES({ "vgpuctl sched set 0 --policy fixed --slice 1ms",
				       "shares that are sold, in slices of 1 ms" },
				     { "vgpuctl sched set 0 --governor auto --slice 0",
				       "slices that follow the load" },
				     { "vgpuctl sched set 0 --policy fixed && vgpuctl sched set v0 --cap 25%",
				       "a quarter of the engine time at most, whoever else has work" },
				     { "vgpuctl sched set v0 --group acme --group-weight 300",
				       "all of acme's vGPUs together have three times the usual share" }),
	},
	{
		.noun = "run", .args = "PROGRAM [ARGUMENTS]", .arg = ARG_TEXT,
		.min = 1, .max = 1000,
		.help = "run a program on a vGPU, on the host or in a VM",
		.more = "`vgpuctl run --help` lists the programs and its options.",
		.raw = cmd_run,
		.examples = EXAMPLES({ "vgpuctl run --vgpu v0 --verify saxpy", "and compare with the CPU" }),
	},
	{
		.noun = "top", .args = "",
		.help = "watch vGPUs live",
		.more = "For each interval: the share that each vGPU received beside the share it was entitled to, the part of the time that it kept an engine busy, its waits, switches and memory. On a terminal: s sorts by the next column, r the other way round, p pauses, the arrow keys choose a vGPU, k stops it as `vgpu stop` does, when asked whether to is answered by y, and q quits. To stop one ends its work and lets no tenant in; no process is killed, as who has it open may be a container or a VM. With -j a line of JSON a sample.",
		.options = top_options, .handler = cmd_top,
		.examples = EXAMPLES({ "vgpuctl top", "live" },
				     { "vgpuctl top -b -n 3 -d 1", "three samples, a second apart" }),
	},
	{
		.noun = "events", .args = "[VGPU]", .arg = ARG_VGPU, .max = 1,
		.help = "follow what happens",
		.more = "Groups: lifecycle (GPUs and vGPUs come, change and go, what is set of them), quota (use is at 80 %, at 95 %, back below 90 %, or was to be more than there is), health (faults, engine resets, broken rings, bad pages, who makes others page, who was cut off by a rule, mediation that fails), governor (the load made it choose another mode), memory (what was scattered is put together) and performance (a figure came to its limit or is unlike itself, a knob was tuned). Without root only lifecycle. With -j a line of JSON an event.",
		.options = events_options, .handler = cmd_events,
		.examples = EXAMPLES({ "vgpuctl events --group health", "what goes wrong" },
				     { "vgpuctl -j events --count 1 --timeout 10 v0", "wait for something to happen to v0" }),
	},
	{
		.noun = "stats", .args = "[VGPU...]", .arg = ARG_VGPU, .max = 1000,
		.help = "all counters of engines and vGPUs",
		.more = "Counters only grow, times are in nanoseconds of the engine's clock.",
		.options = list_options, .handler = cmd_stats,
		.examples = EXAMPLES({ "vgpuctl -j stats v0", "of v0, for programs" }),
	},
	{
		.noun = "trace", .args = "[VGPU]", .arg = ARG_VGPU, .max = 1,
		.help = "record what engines do, and draw it",
		.more = "Records the kernel's tracepoints and writes JSON for https://ui.perfetto.dev and chrome://tracing: a row an engine, a slice a turn, named for the vGPU that had it, arrows from where a command was preempted to where it goes on, and marks for switches, wake-ups, faults, resets, refused memory and the governor. Slices are wall time; the engine time that a turn was charged for is with each as service_ns, and those add up to the busy_ns of `vgpuctl stats`. What ran before the recording, or after it, is cut off there. It has a trace buffer of its own, which goes when it ends. Needs root.",
		.options = trace_options, .handler = cmd_trace,
		.examples = EXAMPLES({ "vgpuctl trace --seconds 2 -o busy.json", "two seconds of all GPUs" },
				     { "vgpuctl -j trace v0", "only the turns of v0, and their sums for programs" }),
	},
	{
		.noun = "qemu", .args = "VGPU", .arg = ARG_VGPU,
		.min = 1, .max = 1,
		.help = "what to tell QEMU or libvirt to give a vGPU to a VM",
		.more = "Of vgpu's, by number or UUID, or of any other driver's mediated device, by UUID. It has to be a mediated device: a vGPU that was made without --mdev has a node for programs and containers instead.",
		.options = qemu_options, .handler = cmd_qemu,
		.examples = EXAMPLES({ "qemu-system-x86_64 -accel kvm $(vgpuctl qemu v0) disk.qcow2", "a VM that has v0" },
				     { "vgpuctl qemu v0 --libvirt >v0.xml; virsh attach-device GUEST v0.xml --config", "the same with libvirt" }),
	},
	{
		.noun = "cdi", .args = "", .arg = ARG_NONE,
		.help = "what to tell podman and others to give vGPUs to containers",
		.more = "A spec of the Container Device Interface: a device vgpu.org/vgpu=UUID for each vGPU that has a node. A container has that node only, and its UUID in VGPU_UUID. Nodes have the numbers of now: write it again when vGPUs were made or destroyed.",
		.options = cdi_options, .handler = cmd_cdi,
		.examples = EXAMPLES({ "vgpuctl cdi --output /etc/cdi/vgpu.json", "all vGPUs, for who runs containers" },
				     { "podman run --device vgpu.org/vgpu=$UUID IMAGE", "a container with one of them" }),
	},
	{
		.noun = "metrics", .args = "", .arg = ARG_NONE,
		.help = "figures for Prometheus",
		.more = "Text for the textfile collector of its node exporter: seconds, bytes and ratios; HELP lines tell what each is.",
		.options = metrics_options, .handler = cmd_metrics,
		.examples = EXAMPLES({ "vgpuctl metrics --output /var/lib/prometheus/node-exporter/vgpu.prom", "from a timer of systemd's, say every 15 seconds" }),
	},
	{
		.noun = "monitor", .verb = "show", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "what a GPU did lately, sample by sample",
		.more = "The kernel keeps the last 1000 samples, and takes none while nothing runs. BUSY and LOST (the time that switches took) are of the engine where they are most; waits are from acceptance of a command until it first ran. With -j the shares of all vGPUs, and the numbers of samples: a reader that asks for what comes after its last one sees by them if it came too late.",
		.options = monitor_show_options, .handler = cmd_monitor_show,
		.examples = EXAMPLES({ "vgpuctl monitor show 0 --last 20", "the last 20 samples of GPU 0" },
				     { "vgpuctl -j monitor show 0 --from 1234", "what came since sample 1233, for programs" }),
	},
	{
		.noun = "monitor", .verb = "set", .args = "GPU", .arg = ARG_GPU,
		.min = 1, .max = 1,
		.help = "change what a GPU's monitor does",
		.options = monitor_set_options, .handler = cmd_monitor_set,
		.more = "All that is named is changed, or nothing. Events are in the group performance.",
		.examples = EXAMPLES({ "vgpuctl monitor set 0 --period 200ms", "five samples a second" },
				     { "vgpuctl monitor set 0 --limit wait=20ms,memory=90% --anomalies on", "be told of long waits, of memory that is nearly full, and of what is unusual" }),
	},
	{
		.noun = "report", .args = "", .arg = ARG_NONE,
		.help = "what GPUs did in the time that the kernel remembers",
		.more = "Means and peaks of the history (`monitor show`), and what each vGPU received and waited. With --html one page with charts that needs no network: who had the engines when, how busy they were, memory, how long was waited, switches and what they cost. vGPUs that are gone are not told apart in it.",
		.options = report_options, .handler = cmd_report,
		.examples = EXAMPLES({ "vgpuctl report", "of all GPUs, as text" },
				     { "vgpuctl report --gpu 0 --html report.html", "a page to look at, and to send to somebody" }),
	},
	{
		.noun = "help", .args = "[NOUN [VERB]]", .arg = ARG_TEXT, .max = 2,
		.help = "explain a command",
		.more = "The formats man and bash give the manual page and the completion of the shell.",
		.options = help_options, .handler = cmd_help,
		.examples = EXAMPLES({ "vgpuctl help vgpu create", "same as vgpuctl vgpu create --help" }),
	},
	{ .noun = NULL },
};

const struct command *command_find(const char *noun, const char *verb)
{
	const struct command *c;

	for (c = commands; c->noun; c++) {
		if (strcmp(c->noun, noun))
			continue;
		if (!verb && !c->verb)
			return c;
		if (verb && c->verb && !strcmp(c->verb, verb))
			return c;
	}
	return NULL;
}

bool command_is_noun(const char *noun)
{
	const struct command *c;

	for (c = commands; c->noun; c++)
		if (!strcmp(c->noun, noun))
			return true;
	return false;
}

const char *arg_option(const struct args *args, const char *name)
{
	const struct option_desc *d = args->command->options;
	int i;

	for (i = 0; d && d[i].name; i++)
		if (!strcmp(d[i].name, name))
			return args->values[i];
	return NULL;
}
