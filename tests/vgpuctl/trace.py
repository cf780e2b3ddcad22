#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""vgpuctl trace with a real kernel: what it writes is the format, adds up to the kernel's own
figures, and leaves nothing behind in tracefs, however it ends."""
import collections
import glob
import json
import os
import signal
import subprocess
import sys
import time

CTL = os.environ["ctl"]
PROGRAMS = os.environ["VGPU_PROGRAMS"]
INSTANCES = "/sys/kernel/tracing/instances/"
OUT = "/tmp/trace.json"
count = 0
started = []


def ctl(*args, status=0):
    r = subprocess.run([CTL, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert r.returncode == status, f"vgpuctl {' '.join(args)}: status {r.returncode}, not {status}: {r.stdout}"
    return r.stdout


def show(what, index):
    return json.loads(ctl("-j", what, "show", str(index)))[what]


def until(what, condition):
    """Waits; the machine may be slow."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, f"not in two minutes: {what}"
        time.sleep(0.2)


class Trace:
    """vgpuctl trace, which records when this returns."""

    def __init__(self, *args):
        self.p = subprocess.Popen([CTL, "-j", "trace", "--seconds", "600", "-o", OUT, *args],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.p)
        self.instance = f"{INSTANCES}vgpuctl-{self.p.pid}"
        until("it records", self.records)

    def records(self):
        assert self.p.poll() is None, self.p.communicate()
        try:
            with open(self.instance + "/events/vgpu/enable", encoding="ascii") as f:
                return f.read() == "1\n"
        except FileNotFoundError:
            return False

    def end(self, how=signal.SIGINT, status=0):
        self.p.send_signal(how)
        out, err = self.p.communicate(timeout=300)
        assert self.p.returncode == status, f"status {self.p.returncode}, not {status}: {out} {err}"
        return json.loads(out) if out else None


def gone():
    return not glob.glob(INSTANCES + "vgpuctl-*")


def read(path=OUT):
    """The file's events, after a look at what the format asks for."""
    with open(path, encoding="utf-8") as f:
        j = json.load(f)
    assert j["schema"] == 1
    rows, last, arrows = {}, collections.Counter(), collections.Counter()
    for e in j["traceEvents"]:
        where = e["pid"], e["tid"]
        if e["ph"] in "BE":
            assert e["ts"] >= last[where], f"back in time: {e}"
            last[where] = e["ts"]
            if e["ph"] == "B":
                assert where not in rows, f"begins in the middle of another: {e}"
                rows[where] = e
            else:
                e["begin"] = rows.pop(where)
        elif e["ph"] in "sf":
            arrows[e["id"]] += 1 if e["ph"] == "s" else -1
        else:
            assert e["ph"] in "iM", e
    assert not rows, f"without an end: {rows}"
    assert not any(arrows.values()), f"arrows with one end: {arrows}"
    return j["traceEvents"]


def turns(events):
    return [e for e in events if e["ph"] == "E"]


def marks(events, name):
    return [e for e in events if e["ph"] == "i" and e["name"].startswith(name)]


def sums():
    """Two that work, fault, hang, and ask for too much."""
    before = [show("vgpu", f"v{i}") for i in (0, 1)]
    engines = show("gpu", 0)["engine"]
    t = Trace()
    beside = subprocess.Popen([CTL, "run", "--vgpu", "v1", "--verify", "--repeat", "4", "igemm"], stdout=subprocess.DEVNULL)
    ctl("run", "--vgpu", "v0", "--verify", "--repeat", "4", "igemm")
    assert beside.wait() == 0
    ctl("run", "--vgpu", "v1", "--time-limit", "1000", "spin-nopreempt", status=4)
    ctl("run", "--vgpu", "v0", "elf", PROGRAMS + "/fault.elf", "--entry", "fault_write", "--args", "0000adde00000000", status=3)
    ctl("run", "--vgpu", "v1", "copy", "64M", status=3)
    # all that is to be seen was seen when a call returned
    result = t.end()
    assert gone(), "the instance is left"
    assert result["complete"] and result["lost"] == 0, result
    events = read()
    after = [show("vgpu", f"v{i}") for i in (0, 1)]
    service, wall = collections.Counter(), collections.Counter()
    for e in turns(events):
        assert not e["args"].get("cut") and not e["begin"]["args"].get("cut"), f"all began and ended meanwhile: {e}"
        service[e["begin"]["name"]] += e["args"]["service_ns"]
        wall[e["begin"]["name"]] += e["ts"] - e["begin"]["ts"]
    for i in (0, 1):
        name, busy = f"v{i}", after[i]["busy_ns"] - before[i]["busy_ns"]
        # the same number, charged once and recorded: no tolerance
        assert service[name] == busy > 0, f"{name}: {service[name]} ns in the trace, {busy} ns in its figures"
        row = next(v for v in result["vgpus"] if v["vgpu"] == i)
        assert row["service_ns"] == busy and row["turns"] == sum(e["begin"]["name"] == name for e in turns(events)), row
        # slices are cut to a nanosecond by three digits: half of one is lost to floating point
        assert abs(row["wall_ns"] - 1000 * wall[name]) <= row["turns"], (row, wall)
    rows = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for e in turns(events)} <= set(rows), rows
    assert [e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "process_name"] == ["GPU 0 soft0"]
    now = show("gpu", 0)["engine"]
    for i, (a, b) in enumerate(zip(engines, now)):
        seen = sum(e["tid"] == i + 1 for e in marks(events, "switch"))
        assert seen == b["switches"] - a["switches"], f"engine {i}: {seen} switches in the trace"
    fault, reset, quota = (marks(events, n) for n in ("fault", "reset", "quota"))
    assert [(f["name"], f["args"]["va"], f["args"]["access"]) for f in fault] == [("fault of v0", "0xdead0000", "-w-")], fault
    assert [r["name"] for r in reset] == ["reset by v1"], reset
    assert [q["name"] for q in quota] == ["quota of v1"], quota
    assert any(e["ph"] == "s" for e in events), "two that share an engine preempt each other"
    assert oct(os.stat(OUT).st_mode & 0o777) == "0o600", "it tells what others do"
    # the share of the wall time that was engine time, to be looked at
    print(f"# {len(events)} events; engine time by wall time: "
          + ", ".join(f"{n}: {service[n] / 1000 / wall[n]:.3f}" for n in sorted(wall)))


def only():
    t = Trace("v1")
    for v in ("v0", "v1"):
        ctl("run", "--vgpu", v, "--verify", "saxpy")
    result = t.end()
    assert [v["vgpu"] for v in result["vgpus"]] == [1], result
    assert {e["begin"]["name"] for e in turns(read())} == {"v1"}


def middle():
    """What runs before, and after: cut, but with both ends."""
    spin = subprocess.Popen([CTL, "run", "--vgpu", "v0", "--timeout", "600", "spin"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    started.append(spin)

    def preempts():
        """A neighbour makes it stop; then it goes on, for nobody else has work."""
        ctl("run", "--vgpu", "v1", "--verify", "saxpy")
        return show("vgpu", "v0")["preemptions"]
    until("it spins", preempts)
    t = Trace()
    seen = show("vgpu", "v0")["preemptions"]
    until("it is preempted", lambda: preempts() > seen)
    result = t.end(signal.SIGTERM)
    spin.kill()
    spin.wait()
    found = turns(read())
    assert result["vgpus"] and len(found) == sum(v["turns"] for v in result["vgpus"])
    cut = [(e["begin"]["args"].get("cut", False), e["args"].get("cut", False)) for e in found]
    assert cut[0] == (True, False) and cut[-1] == (False, True) and not any(a or b for a, b in cut[1:-1]), cut
    assert found[0]["begin"]["ts"] == 0 and {found[0]["begin"]["name"], found[-1]["begin"]["name"]} == {"v0"}, found


def beside(events):
    """How often turns of two vGPUs overlap, on whatever engines."""
    spans = [(e["begin"]["ts"], e["ts"], e["begin"]["name"], e["tid"]) for e in turns(events)]
    assert {(name, tid) for _, _, name, tid in spans} == {(v, tid) for v in ("v0", "v1") for tid in (1, 2)}, "not all ran"
    return sum(a[2] < b[2] and a[0] < b[1] and b[0] < a[1] for a in spans for b in spans)


def one_owner_at_a_time():
    """Two vGPUs with work for both engines."""
    assert "has no engine 2" in ctl("run", "--vgpu", "v0", "--engine", "2", "saxpy", status=2)
    found = {}
    for serialize in ("off", "on"):
        ctl("gpu", "set", "0", "--serialize", serialize)
        t = Trace()
        work = [subprocess.Popen([CTL, "run", "--vgpu", v, "--engine", e, "--verify", "--repeat", "4", "igemm"], stdout=subprocess.DEVNULL)
                for v in ("v0", "v1") for e in ("0", "1")]
        assert not any([p.wait() for p in work]), "a wrong result"
        assert t.end()["complete"]
        found[serialize] = beside(read())
    ctl("gpu", "set", "0", "--serialize", "off")
    assert found["off"] > 0, "they never run beside each other anyway"
    assert found["on"] == 0, f"{found['on']} turns overlap"
    print(f"# turns that overlap: {found}")


def killed():
    t = Trace()
    t.p.kill()
    t.p.wait()
    until("the instance goes", gone)


def refused():
    assert "give seconds" in ctl("trace", "--seconds", "0", status=2)
    assert "give seconds" in ctl("trace", "--seconds", "1e9", status=2)
    assert "no vGPU" in ctl("trace", "v4000", status=3)
    assert "cannot write" in ctl("trace", "-o", "/nowhere/x", status=1)
    ctl("trace", "--seconds", "0.2", "-o", "/dev/full", status=1)
    assert os.path.exists("/dev/full"), "it removed a device"
    r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CTL, "trace", "-o", "/tmp/x.json"],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert r.returncode == 3 and "root" in r.stdout, r
    assert gone()


def silence():
    assert "no engine worked" in ctl("trace", "--seconds", "0.3", "-o", OUT)
    assert not turns(read())
    assert "1 engine" not in ctl("trace", "-s", "0.3", "-o", "/dev/null") and gone()


def main():
    global count
    for _ in range(2):
        ctl("vgpu", "create", "--type", "1g.32m", "--gpu", "0", "--start")
    print("TAP version 13")
    for test in (refused, silence, sums, only, middle, one_owner_at_a_time, killed):
        count += 1
        try:
            test()
            print(f"ok {count} - trace: {test.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            # nothing that the next test would trip over
            for p in started:
                p.kill()
            print(f"not ok {count} - trace: {test.__name__}")
            print("# " + f"{type(e).__name__}: {e}".replace("\n", "\n# "), flush=True)
    print(f"1..{count}")


if __name__ == "__main__":
    sys.exit(main())
