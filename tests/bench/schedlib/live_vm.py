#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""In the machine: 16 vGPUs that never stop working on the reference GPU; prints what they
got, how fast the engine stopped, and what switching cost, as one line of JSON."""
import json
import os
import re
import subprocess
import sys
import time

TOP = os.environ["VGPU_TOP"]
BUILD = os.environ["VGPU_BUILD"]
CTL = os.path.join(BUILD, "tools/vgpuctl")
TRACING = "/sys/kernel/tracing"
# served in a window, and in all: so that there are several windows
VGPUS, WINDOW, SECONDS = 16, 5, 7
# does nothing to speak of: its figure is what the tracer adds to each
EMPTY = "op_clock"
# the request to stop; from the engine's answer until the next command runs
TRACED = ["vgpu_slice_timer_fn", "soft_gpu_event"]


def ctl(*args):
    return subprocess.run([CTL, *args], stdout=subprocess.PIPE, text=True, check=True).stdout


def sample():
    """Engine figures; what each vGPU got and was due, read at the same moment."""
    engine = json.loads(ctl("-j", "gpu", "show", "0"))["gpu"]["engine"][0]
    vgpus = json.loads(ctl("-j", "stats"))["vgpus"]
    return engine, {v["id"]: (v["busy_ns"], v["entitled_ns"]) for v in vgpus}


def trace(name, text):
    with open(os.path.join(TRACING, name), "w", encoding="ascii") as f:
        f.write(text)


def grown(before, now):
    return {i: [b - a for a, b in zip(before[i], now[i])] for i in before}


def served(before, now):
    return sum(got for got, _ in grown(before, now).values())


def traced(functions):
    """Calls, summed and least durations of the functions, in us; and events lost."""
    sums = {f: [0, 0.0, 1e9] for f in functions}
    with open(os.path.join(TRACING, "trace"), encoding="ascii") as f:
        for line in f:
            m = re.search(r"([0-9.]+) us +\| +(\w+)\b.*\(\);", line)
            if m and m[2] in sums:
                sums[m[2]][0] += 1
                sums[m[2]][1] += float(m[1])
                sums[m[2]][2] = min(sums[m[2]][2], float(m[1]))
    with open(os.path.join(TRACING, "per_cpu/cpu0/stats"), encoding="ascii") as f:
        lost = int(re.search(r"overrun: (\d+)", f.read())[1])
    return sums, lost


def main():
    subprocess.run(["bash", "-c", ". $VGPU_TOP/tests/jobs/lib.sh; load vgpu_soft"], check=True)
    if not os.path.exists(os.path.join(TRACING, "trace")):
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACING], check=True)
    ctl("gpu", "set", "--policy", "fair", "--slice", "2ms", "0")
    weights = {}
    for i in range(VGPUS):
        weights[i] = 100 * (1 + i % 4)
        ctl("vgpu", "create", "--type", "1g.32m", "--weight", str(weights[i]), "--start")
        ctl("vgpu", "set", "--vram", "8M", f"v{i}")
    env = dict(os.environ, VGPU_PROGRAMS=os.path.join(BUILD, "programs"))
    programs = []
    for i in range(VGPUS):
        # a quarter of them must not be run twice: each round counts
        what = ["counter", "--rounds", "100000000"] if i // 4 == i % 4 else ["spin"]
        programs.append(subprocess.Popen([CTL, "run", "--vgpu", f"v{i}", *what], env=env,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    while json.loads(ctl("-j", "gpu", "show", "0"))["gpu"]["engine"][0]["queued"] < VGPUS - 1:
        time.sleep(0.1)
    time.sleep(1)

    trace("buffer_size_kb", "8192")
    trace("tracing_on", "0")
    trace("set_ftrace_filter", EMPTY)
    trace("current_tracer", "function_graph")
    trace("tracing_on", "1")
    time.sleep(0.1)
    trace("tracing_on", "0")
    empty = traced([EMPTY])[0][EMPTY][2]
    trace("current_tracer", "nop")
    trace("set_ftrace_filter", "\n".join(TRACED))
    trace("current_tracer", "function_graph")
    begin, had = sample()
    since = time.monotonic()
    trace("tracing_on", "1")
    seen = [had]
    while served(had, seen[-1]) < SECONDS * 1e9:
        time.sleep(0.25)
        end, have = sample()
        seen.append(have)
    trace("tracing_on", "0")
    wall = time.monotonic() - since
    functions, lost = traced(TRACED)
    alive = sum(p.poll() is None for p in programs)
    for p in programs:
        p.terminate()
        p.wait()
    windows = []
    for i, first in enumerate(seen):
        last = next((x for x in seen[i:] if served(first, x) >= WINDOW * 1e9), None)
        if last:
            windows.append(grown(first, last))
    json.dump({"weights": weights, "got": grown(had, have), "windows": windows, "wall_s": wall, "empty_us": empty, "alive": alive, "lost": lost, "functions": functions,
               **{k: end[k] - begin[k] for k in ("busy_ns", "switches", "preemptions", "stops", "resets")},
               **{k: end[k] for k in ("stop_p50_ns", "stop_p99_ns", "stop_max_ns")}}, sys.stdout)
    print()


main()
