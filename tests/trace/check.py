#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Records events/vgpu with trace-cmd while vGPUs work and misbehave, and compares what
the trace says with the kernel's own figures."""
import collections
import errno
import json
import os
import re
import subprocess
import sys
import time

CTL = os.environ["ctl"]
DONE = "/tmp/recorded"


def ctl(*args, status=0):
    r = subprocess.run([CTL, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if r.returncode != status:
        sys.exit(f"vgpuctl {' '.join(args)}: status {r.returncode}, not {status}: {r.stdout}")
    return r.stdout


def show(what, index):
    return json.loads(ctl("-j", what, "show", str(index)))[what]


def engines():
    return show("gpu", 0)["engine"]


def record():
    """What runs while trace-cmd looks."""
    ctl("sched", "set", "0", "--governor", "auto", "--slice", "0")
    beside = subprocess.Popen([CTL, "run", "--vgpu", "v1", "--verify", "--repeat", "4", "igemm"])
    ctl("run", "--vgpu", "v0", "--verify", "--repeat", "4", "igemm")
    if beside.wait():
        sys.exit("igemm beside another failed")
    ctl("run", "--vgpu", "v0", "--time-limit", "3000", "spin", status=4)
    ctl("run", "--vgpu", "v1", "--time-limit", "3000", "spin-nopreempt", status=4)
    ctl("run", "--vgpu", "v0", "elf", os.environ["VGPU_PROGRAMS"] + "/fault.elf", "--entry", "fault_write",
        "--args", "0000adde00000000", status=3)
    ctl("run", "--vgpu", "v1", "copy", "64M", status=3)
    open(DONE, "w", encoding="ascii").close()


def events():
    report = subprocess.run(["trace-cmd", "report", "-i", "/tmp/trace.dat"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in report.splitlines():
        m = re.match(r"\s*\S.*?-\d+\s+\[\d+\]\s.*?([0-9.]+):\s+(vgpu_\w+):\s+(.*)", line)
        if m:
            fields = dict(f.split("=", 1) for f in m[3].split())
            yield m[2], {k: int(v, 0) if re.fullmatch(r"-?(0x)?[0-9a-f]+", v) else v for k, v in fields.items()}
        elif "CPU" in line and "LOST" in line.upper():
            sys.exit(f"events were lost: {line}")
        elif "vgpu_" in line:
            sys.exit(f"trace-cmd cannot read this: {line}")


def woken(seconds, *work):
    """What of vgpu's is run meanwhile: timers, works and engine threads, with a number each."""
    with open("/proc/kallsyms", encoding="ascii") as f:
        ours = {l.split()[2] for l in f if l.rstrip().endswith("]") and l.split()[-1].startswith("[vgpu")}
    assert len(ours) > 100, f"{len(ours)} symbols of vgpu"
    argv = ["trace-cmd", "record", "-q", "-b", "16384", "-o", "/tmp/idle.dat"]
    for e in ("timer:hrtimer_expire_entry", "timer:timer_expire_entry", "workqueue:workqueue_execute_start", "sched:sched_switch"):
        argv += ["-e", e]
    subprocess.run([*argv, *(work or ["sleep", str(seconds)])], check=True, stdout=subprocess.DEVNULL)
    report = subprocess.run(["trace-cmd", "report", "-i", "/tmp/idle.dat"], stdout=subprocess.PIPE, text=True, check=True).stdout
    count = collections.Counter()
    for line in report.splitlines():
        m = re.search(r"(hrtimer_expire_entry|timer_expire_entry|workqueue_execute_start): .*\bfunction[= ](\w+)", line)
        if m and m[2] in ours:
            count[m[2]] += 1
        m = re.search(r"sched_switch: .*==> (\S*vgpu[-/]\S*|soft\d\S*):\d+", line)
        if m:
            count[m[1]] += 1
    return count


def idle():
    """No tick: after the last work, and what looks back at it, nothing is run."""
    busy = woken(0, "sh", "-c", f"{CTL} run --vgpu v0 --repeat 4 igemm >/dev/null")
    assert len(busy) > 2, f"while it works only this was seen: {dict(busy)}"
    time.sleep(4)
    still = woken(4)
    assert not still, f"nothing is to be done, and yet: {dict(still)}"
    print(f"idle for 4 s: nothing ran; while it worked: {dict(busy)}")


def main():
    for _ in range(2):
        ctl("vgpu", "create", "--type", "1g.32m", "--start")
    gpu, vgpus = engines(), [show("vgpu", f"v{i}") for i in (0, 1)]
    subprocess.run(["trace-cmd", "record", "-q", "-b", "16384", "-e", "vgpu", "-o", "/tmp/trace.dat",
                    sys.executable, os.path.abspath(__file__), "record"], check=True, stdout=subprocess.DEVNULL)
    # trace-cmd ends well whatever became of its child
    if not os.path.exists(DONE):
        sys.exit(1)
    gpu2, vgpus2 = engines(), [show("vgpu", f"v{i}") for i in (0, 1)]

    running, count, service = {}, collections.Counter(), collections.Counter()
    seen, forced, mode = [], set(), "balanced"
    for name, f in events():
        seen.append((name, f))
        count[name, f.get("engine")] += 1
        where = f.get("engine")
        if name == "vgpu_run":
            assert where not in running, f"engine {where} runs {running[where]} already: {f}"
            assert f["op"] in ("copy", "fill", "launch"), f
            running[where] = f
        elif name == "vgpu_stop":
            was = running.pop(where)
            assert (was["vgpu"], was["seqno"]) == (f["vgpu"], f["seqno"]), f"{was} was stopped as {f}"
            service[f["vgpu"]] += f["service_ns"]
            # one that is stopped because its time is over is not resumed; a reset is no preemption
            count["preempted", where] += where not in forced and (f["midway"] or f["error"] == -errno.ETIME)
            forced.discard(where)
        elif name == "vgpu_reset":
            forced.add(where)
        elif name == "vgpu_governor":
            assert f["from"] == mode != f["to"], f"{f}, in {mode}"
            mode = f["to"]
    assert not running, running
    for i in (0, 1):
        busy = vgpus2[i]["busy_ns"] - vgpus[i]["busy_ns"]
        assert service[i] == busy > 0, f"v{i}: {service[i]} ns in the trace, {busy} ns in its figures"
    for i, (a, b) in enumerate(zip(gpu, gpu2)):
        for event, figure in (("vgpu_switch", "switches"), ("preempted", "preemptions"), ("vgpu_reset", "resets")):
            assert count[event, i] == b[figure] - a[figure], \
                f"engine {i}: {count[event, i]} of {event} in the trace, {b[figure] - a[figure]} {figure} in its figures"
    assert count["preempted", 0] > 1 and count["vgpu_wake", 0] > 0, count

    # the engine was busy for seconds; once a second at most, and each is counted
    governor = show("gpu", 0)["governor_figures"]
    first = next(f for n, f in seen if n == "vgpu_governor")
    assert (first["to"], first["reason"], first["slice_ns"], first["threshold_ns"]) == ("performance", "load", 1000000, 0), first
    assert first["demand"] >= 800 and first["busy"] <= 1000, first
    assert 1 <= count["vgpu_governor", None] <= governor["changes"], governor

    def only(name):
        found = [f for n, f in seen if n == name]
        assert len(found) == 1, f"{len(found)} of {name}: {found}"
        return found[0]
    fault, reset, quota = only("vgpu_fault"), only("vgpu_reset"), only("vgpu_quota")
    assert (fault["vgpu"], fault["va"], fault["access"], fault["error"] < 0) == (0, 0xdead0000, "-w-", True), fault
    assert reset["vgpu"] == 1, reset
    assert quota["vgpu"] == 1 and quota["bytes"] > quota["limit"] - quota["used"], quota
    print(f"{len(seen)} events: {', '.join(sorted({n for n, _ in seen}))}")
    idle()


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        record()
    else:
        main()
