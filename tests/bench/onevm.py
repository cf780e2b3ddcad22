# SPDX-License-Identifier: GPL-2.0
"""What benches that run in one machine have in common: it, files, the table of promises.

Its clock counts instructions, where nothing else is asked for."""
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
KERNEL = os.environ.get("KERNEL", "debian-6.12")
NS_PER_INSTRUCTION = 2          # scripts/vm: -icount shift=1


class Bench:
    """@name: of the folder below BUILD/bench; @doc: printed for --help, which ends the program."""

    def __init__(self, name, doc):
        if len(sys.argv) > 1:
            print(doc)
            sys.exit(0 if sys.argv[1] in ("-h", "--help") else 2)
        self.name = name
        self.out = os.path.join(os.environ.get("BUILD", os.path.join(TOP, "build")), "bench", name)
        self.rows = []
        self.clock = None

    def measure(self, job, *machine):
        """The words of each line that @job, bash in @machine (scripts/vm), wrote to $VGPU_OUT/results."""
        machine = machine or ("--icount",)
        self.clock = "icount" if "--icount" in machine else "TCG"
        with tempfile.TemporaryDirectory(prefix="vgpu-bench-") as tmp:
            r = subprocess.run([os.path.join(TOP, "scripts/vm"), "run", *machine, "--kernel", KERNEL, "--timeout", "300",
                                "--out", tmp, "--", "bash", "-c", 'set -e\n. "$VGPU_TOP/tests/jobs/lib.sh"\n' + job],
                               stdout=sys.stderr, check=False)
            if r.returncode:
                sys.exit(f"bench {self.name}: the machine ended with status {r.returncode}")
            with open(os.path.join(tmp, "results"), encoding="ascii") as f:
                return [line.split() for line in f]

    def promise(self, what, measured, kept):
        """@kept None: no promise, only shown."""
        self.rows.append((what, measured, kept))

    def write(self, name, text):
        os.makedirs(self.out, exist_ok=True)
        with open(os.path.join(self.out, name), "w", encoding="utf-8") as f:
            f.write(text)

    def write_csv(self, name, rows):
        os.makedirs(self.out, exist_ok=True)
        with open(os.path.join(self.out, name), "w", encoding="utf-8", newline="") as f:
            csv.writer(f).writerows(rows)

    def finish(self, **manifest):
        """Writes promises.csv and manifest.json, prints the table; the exit status."""
        self.write_csv("promises.csv", [["promise", "measured", "clock", "kept"]] +
                       [[p.strip(), m, self.clock, "" if k is None else int(k)] for p, m, k in self.rows])
        commit = subprocess.run(["git", "-C", TOP, "describe", "--always", "--dirty"], stdout=subprocess.PIPE, text=True, check=False)
        self.write("manifest.json", json.dumps(
            {"schema": 1, "bench": self.name, "commit": commit.stdout.strip(), "kernel": KERNEL,
             "cpu": f"TCG on {platform.machine()}", "clock": self.clock, **manifest}, indent=1) + "\n")
        width = max(len(p) for p, _, _ in self.rows)
        print(f"{'promise':{width}} {'kept':5} measured ({self.clock}, {KERNEL})")
        for promise, measured, kept in self.rows:
            print(f"{promise:{width}} {'' if kept is None else 'yes' if kept else 'NO':5} {measured}")
        print(f"files in {self.out}")
        return 0 if all(kept is not False for _, _, kept in self.rows) else 1
