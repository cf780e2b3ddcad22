# SPDX-License-Identifier: GPL-2.0
"""The reference GPU under 16 vGPUs that never stop working, weights 1 to 4, slices of
2 ms, in a machine of one CPU whose clock counts instructions (2 ns each): the same on
a busy host as on an idle one. Shares and stops are in engine time."""
import csv
import json
import os
import statistics
import subprocess
import sys

from common import BUILD, OUT, TOP, stop

SLICE_NS = 2e6


def machine(kernel, *command):
    """Standard output of a command in such a machine."""
    # without ERMS the kernel copies by words, not by bytes of which each counts as one
    r = subprocess.run([os.path.join(TOP, "scripts/vm"), "run", "--kernel", kernel, "--icount", "--timeout", "500",
                        "--qemu=-cpu max,-erms,-fsrm", "--", *command],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        sys.stderr.write(r.stdout[-2000:] + r.stderr[-4000:])
        stop(f"{command[-1]} on {kernel} ended with {r.returncode}")
    return r.stdout


def measure(kernel):
    if not os.path.exists(os.path.join(BUILD, "modules", kernel, "vgpu_soft.ko")):
        stop(f"no modules for {kernel}; make modules tools KERNEL={kernel}")
    out = machine(kernel, "python3", os.path.join(TOP, "tests/bench/schedlib/live_vm.py"))
    f = json.loads(out.strip().splitlines()[-1])
    if f["alive"] != len(f["weights"]) or f["lost"] or f["resets"]:
        stop(f"no measurement: {f['alive']} programs left, {f['lost']} events lost, {f['resets']} resets")
    rows = [(v, w, *f["got"][v]) for v, w in f["weights"].items()]
    total = sum(got for _, _, got, _ in rows)
    # who always has work is due its weight's part: the books are not taken on trust
    wrong = max(abs(due / total - w / sum(f["weights"].values())) for _, w, _, due in rows)
    with open(os.path.join(OUT, "live.csv"), "w", encoding="ascii", newline="") as out:
        w = csv.writer(out)
        w.writerow(["vgpu", "weight", "engine_ns", "entitled_ns"])
        w.writerows(rows)
    # The lightest is due 62 slices in 5 s, and what a window catches of the slices at its two ends
    # is chance, up to 3.2 % of that. So the window in the middle counts; none may be beyond the bound.
    off = sorted(max(abs(got - due) / due for got, due in w.values()) for w in f["windows"])
    bound = max(2 * 1.02 * SLICE_NS / due for w in f["windows"] for _, due in w.values())
    yield ("fair: 16 busy vGPUs within 2 % of their shares in a window of 5 s",
           f"{100 * statistics.median(off):.2f} % off ({100 * off[0]:.2f} to {100 * off[-1]:.2f} % in {len(off)} windows; "
           f"bound {100 * bound:.1f} %); entitled is off the weights by {1e4 * wrong:.1f}/10000", "engine",
           len(off) >= 3 and statistics.median(off) <= 0.02 and off[-1] <= bound and wrong <= 0.001)
    stops = [f[f"stop_{k}_ns"] / 1e3 for k in ("p50", "p99", "max")]
    yield ("an engine stops within 2 % of a 2 ms slice at p99, 40 us",
           f"p50 {stops[0]:.1f}, p99 {stops[1]:.1f}, longest {stops[2]:.1f} us, {f['stops']} stops", "engine",
           f["stops"] >= 1000 and stops[1] * 1e3 <= 0.02 * SLICE_NS)
    yield ("no slice is cut in pieces: at most 1.1 stops a switch", f"{f['stops'] / f['switches']:.3f}", "engine",
           f["stops"] <= 1.1 * f["switches"])
    mean = f["busy_ns"] / f["switches"]
    yield ("a slice of 2 ms takes 1.9 to 2.3 ms on average", f"{mean / 1e6:.3f} ms", "engine", 1.9e6 <= mean <= 2.3e6)
    cost = sum(us - n * f["empty_us"] for n, us, _ in f["functions"].values()) / 1e6
    if min(n for n, _, _ in f["functions"].values()) < f["switches"] * 0.9:
        stop(f"the trace misses switches: {f['functions']} of {f['switches']}")
    yield ("switching and scheduling at most 1 % of busy time, 16 vGPUs, 2 ms", f"{100 * cost / f['wall_s']:.2f} % "
           f"({cost / f['switches'] * 1e6:.1f} us a switch, in {f['wall_s']:.2f} s)", "icount", cost <= 0.01 * f["wall_s"])
