# SPDX-License-Identifier: GPL-2.0
"""What a decision costs: instructions of vgpu_rq_pick(), _charge() and _put() of the
user-space build, with all that they call, for each slice. Callgrind counts them
exactly: the same build gives the same figures on any machine."""
import csv
import os
import re
import shutil
import subprocess

from common import OUT, SEED, SIM, build_sim, stop

ENTITIES = [8, 64, 512, 4096]
# how flat, from the fewest entities to the most; None: told
FLAT = {"rr": 1.5, "prio": 1.5, "mlfq": 1.5, "fair": 3.0, "fixed": None, "burst": None}
WHAT = ["vgpu_rq_pick", "vgpu_rq_charge", "vgpu_rq_put"]


def count(policy, entities):
    """Instructions a slice, with as many entities that always wait, and long enough for
    mlfq to sort them by level."""
    raw = os.path.join(OUT, "callgrind.out")
    r = subprocess.run(["valgrind", "-q", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={raw}",
                        *(f"--toggle-collect={f}" for f in WHAT), SIM, "play", "--policy", policy, "--seed", SEED,
                        "--seconds", str(max(20, entities // 20)), f"{entities}xhog"],
                       stdout=subprocess.PIPE, text=True, check=False)
    slices = re.search(r"(\d+) slices", r.stdout)
    if r.returncode or not slices:
        stop(f"callgrind on vgpu-sim ended with {r.returncode}")
    with open(raw, encoding="utf-8") as f:
        total = int(re.search(r"^(?:totals|summary): (\d+)", f.read(), re.MULTILINE)[1])
    os.unlink(raw)
    return total / int(slices[1])


def measure(_kernel):
    if not shutil.which("valgrind"):
        stop("valgrind is missing; run scripts/setup")
    build_sim()
    figures = {p: [count(p, n) for n in ENTITIES] for p in FLAT}
    with open(os.path.join(OUT, "cost.csv"), "w", encoding="ascii", newline="") as f:
        w = csv.writer(f)
        w.writerow(["policy", *(f"entities_{n}" for n in ENTITIES)])
        for policy, costs in figures.items():
            w.writerow([policy, *(f"{c:.0f}" for c in costs)])
    for policy, costs in figures.items():
        ratio = max(costs) / min(costs)
        flat = FLAT[policy]
        what = f"{policy}: pick, charge and put, {ENTITIES[0]} to {ENTITIES[-1]} entities"
        yield (f"{what}, flat within {flat:g}" if flat else what,
               f"{' '.join(f'{c:.0f}' for c in costs)} instructions: {ratio:.2f}", "count",
               ratio <= flat if flat else None)
