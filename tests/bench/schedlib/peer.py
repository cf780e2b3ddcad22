# SPDX-License-Identifier: GPL-2.0
"""vgpu's core (policy fair, slices of 2 ms) beside the kernel's own drm_sched (as it comes,
one job at a time on the hardware): the same jobs of 8 tenants of equal weight on the same
made-up engine (tests/peer), in one run of a machine whose clock counts instructions.

empty: 16,000 jobs that take no time: all that passes is the cost of submitting, picking,
starting, ending and telling, on both sides without the system call. mixed: seven tenants
that always have two jobs, of 1 and 10 ms by turns, and one that wants 100 us every 20 ms.
The engine of the first runs cannot be stopped. That of the second can, within 10 us: vgpu
does, drm_sched has no means to."""
import csv
import json
import os

from common import BUILD, OUT, TOP, stop
from live import machine

INSN_NS = 2


def measure(kernel):
    if not os.path.exists(os.path.join(BUILD, "modules", kernel, "vgpu_peer.ko")):
        stop(f"no vgpu_peer for {kernel}; make modules KERNEL={kernel}")
    lines = machine(kernel, "bash", os.path.join(TOP, "tests/bench/schedlib/peer_vm.sh")).splitlines()
    runs = [json.loads(x) for x in lines if x.startswith("{")]
    if len(runs) != 8 or any(r["error"] for r in runs):
        stop(f"no measurement: {runs}")
    with open(os.path.join(OUT, "peer.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.DictWriter(f, runs[0])
        w.writeheader()
        w.writerows(runs)
    for preempt, engine in ((0, "no preemption"), (1, "preemption")):
        empty, mixed = ({r["sched"]: r for r in runs if r["load"] == load and r["preempt"] == preempt}
                        for load in ("empty", "mixed"))
        cost = {s: r["wall_ns"] / r["jobs"] / INSN_NS for s, r in empty.items()}
        yield (f"{engine}: an empty job costs no more than drm_sched's",
               f"{cost['vgpu']:.0f} instructions, drm_sched {cost['drm_sched']:.0f}", "icount",
               cost["vgpu"] <= cost["drm_sched"])
        work = {s: (r["wall_ns"] - r["idle_ns"]) / r["busy_ns"] for s, r in mixed.items()}
        yield (f"{engine}: CPU time for engine time, mixed jobs",
               ", ".join(f"{s} {100 * work[s]:.1f} % for {mixed[s]['jobs']} jobs" for s in ("vgpu", "drm_sched")), "icount", None)
        wait = {s: [r[f"wait_{p}_ns"] / 1e6 for p in ("p50", "p99")] for s, r in mixed.items()}
        yield (f"{engine}: a light tenant waits no longer than under drm_sched, p99",
               ", ".join(f"{s} {wait[s][1]:.3f} ms (p50 {wait[s][0]:.3f})" for s in ("vgpu", "drm_sched")), "icount",
               wait["vgpu"][1] <= wait["drm_sched"][1])
        even = {s: r["least_ns"] / r["most_ns"] for s, r in mixed.items()}
        yield (f"{engine}: equal shares for jobs of 1 and 10 ms, min-max 0.95",
               ", ".join(f"{s} {even[s]:.3f}" for s in ("vgpu", "drm_sched")), "icount", even["vgpu"] >= 0.95)
