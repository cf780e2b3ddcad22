# SPDX-License-Identifier: GPL-2.0
"""Where things are, and what the parts of the bench have in common."""
import os
import subprocess
import sys

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
BUILD = os.path.abspath(os.environ.get("BUILD") or os.path.join(TOP, "build"))
OUT = os.path.join(BUILD, "bench", "sched")
SIM = os.path.join(BUILD, "tools", "vgpu-sim")
SEED = "1"


def build_sim():
    subprocess.run(["make", "-s", "-C", os.path.join(TOP, "tools/sim"), f"BUILD={BUILD}"], check=True, stdout=sys.stderr)


def sim(*args):
    return subprocess.run([SIM, *args], stdout=subprocess.PIPE, text=True, check=False)


def stop(text):
    print(f"bench-sched: {text}", file=sys.stderr)
    sys.exit(1)
