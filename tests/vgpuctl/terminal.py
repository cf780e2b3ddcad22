#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""vgpuctl on a terminal: bars, the window's size, keys, and giving up.

	tests/vgpuctl/terminal.py VGPUCTL	as root, vgpu_soft gpus=2 loaded

Long work is made long by a neighbour of the same CPU that spins: the tool runs at the
lowest priority, and the neighbour goes on until the test has seen what it waits for.
"""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import pty
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TOP, "scripts"), os.path.join(TOP, "tests/nl")]
from screenlib import Screen  # noqa: E402
from tap import run, test  # noqa: E402

CTL = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp()
PATIENCE = 120
LOWEST = 19


def ctl(*words):
    return json.loads(subprocess.run([CTL, "-j", *words], capture_output=True, text=True, check=True).stdout)


def vgpus():
    return ctl("vgpu", "list")["vgpus"]


class Terminal:
    """A program on one."""

    def __init__(self, *words, columns=100, rows=30, nice=0, stdout=None):
        self.screen, self.raw = Screen(columns, rows), b""
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.nice(nice)
            if stdout is not None:
                os.dup2(stdout, 1)
            # the window has to be there before it is looked at
            sys.stdin.readline()
            os.execvpe(words[0], words, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        self.resize(columns, rows)
        self.status = None
        os.write(self.fd, b"\n")

    def resize(self, columns, rows):
        self.screen.resize(columns, rows)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds=0.2):
        """False: it has gone."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError as e:
            assert e.errno == errno.EIO, e
            return False
        self.raw += data
        self.screen.feed(data)
        return True

    def until(self, what, why):
        end = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < end, f"no {why}:\n" + "\n".join(self.screen.lines())
            if not self.read() and not what():
                raise AssertionError(f"it ended, no {why}:\n" + "\n".join(self.screen.lines()))

    def shows(self, *words):
        self.until(lambda: all(any(w in line for line in self.screen.lines()) for w in words), words)

    def type(self, keys):
        os.write(self.fd, keys)

    def end(self):
        end = time.monotonic() + PATIENCE
        while self.read():
            assert time.monotonic() < end, "it does not end"
        self.status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(self.status)


class Busy:
    """Somebody who has the CPU all the time."""

    def __enter__(self):
        self.pids = []
        for _i in range(os.cpu_count()):
            pid = os.fork()
            if not pid:
                while True:
                    pass
            self.pids.append(pid)
        return self

    def stop(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self.pids = []

    def __exit__(self, *_e):
        self.stop()


class Vgpu:
    """With as much of its memory in use as @mib, all of it different."""

    def __init__(self, mib=0):
        types = sorted(ctl("type", "list")["types"], key=lambda t: t["vram_bytes"])
        kind = next(t for t in types if t["vram_bytes"] > (mib + 1) << 20)["name"]
        made = ctl("vgpu", "create", "--type", kind, "--gpu", "0", "--start")["vgpu"]
        self.id, self.uuid = made["id"], made["uuid"]
        self.node = os.open(f"/dev/vgpu/v{self.id}", os.O_RDWR | os.O_CLOEXEC)
        if not mib:
            return
        bo = bytearray(struct.pack("=IIQQIIQQII", 56, 0, mib << 20, 0, 0, 0, 0, 0, 0, 0))
        buf = (ctypes.c_char * len(bo)).from_buffer(bo)
        libc = ctypes.CDLL(None, use_errno=True)
        assert not libc.ioctl(self.node, 0x7682, buf), os.strerror(ctypes.get_errno())
        offset, = struct.unpack_from("=Q", bo, 32)
        with mmap.mmap(self.node, mib << 20, offset=offset) as m:
            m[:] = random.Random(1).randbytes(mib << 20)

    def state(self):
        return ctl("vgpu", "show", self.uuid)["vgpu"]["state"]

    def close(self):
        if self.node is not None:
            os.close(self.node)
        self.node = None

    def destroy(self):
        self.close()
        subprocess.run([CTL, "vgpu", "destroy", self.uuid], check=True, stdout=subprocess.DEVNULL)


def part_files():
    return sorted(os.listdir(WORK))


def written(text):
    with open(f"{WORK}/image", "w", encoding="utf-8") as f:
        f.write(text)


def bar_of(t, word):
    """The line of the bar, without what it says when nothing was done yet."""
    return next((line for line in t.screen.lines() if line.startswith(word + "  [#")), None)


def percent_of(line):
    return int(line.split("]")[1].split("%")[0]) if line else 0


@test("save: a bar, in the window however small it gets; then it is gone, and the file there")
def _():
    v = Vgpu(12)
    try:
        with Busy() as busy:
            t = Terminal(CTL, "vgpu", "save", f"v{v.id}", f"{WORK}/image", nice=LOWEST)
            t.until(lambda: bar_of(t, "saving"), "bar")
            assert "MiB at most" in bar_of(t, "saving"), bar_of(t, "saving")
            t.resize(34, 10)
            t.raw = b""
            t.until(lambda: b"saving" in t.raw and t.raw.endswith(b"\x1b[K"), "line after the window shrank")
            last = t.raw.decode().split("\r")[-1].removesuffix("\x1b[K")
            assert 0 < len(last) < 34, last
            busy.stop()
        assert t.end() == 0, t.screen.lines()
        said = "".join(t.screen.lines())
        assert f"v{v.id} is in {WORK}/image" in said and "saving" not in said, t.screen.lines()
        assert v.state() == "running" and part_files() == ["image"], part_files()
    finally:
        v.destroy()


@test("restore: a bar of per cents that reach no more than 100")
def _():
    with Busy() as busy:
        t = Terminal(CTL, "vgpu", "restore", f"{WORK}/image", "--gpu", "1", nice=LOWEST)
        t.until(lambda: percent_of(bar_of(t, "restoring")), "bar")
        line = bar_of(t, "restoring")
        assert 0 < percent_of(line) <= 100 and "/12" in line, line
        busy.stop()
    assert t.end() == 0, t.screen.lines()
    subprocess.run([CTL, "vgpu", "destroy", vgpus()[0]["uuid"]], check=True, stdout=subprocess.DEVNULL)


@test("save: given up, what was there before is there still, and nothing else")
def _():
    v = Vgpu(12)
    try:
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            written("something better\n")
            with Busy() as busy:
                t = Terminal(CTL, "vgpu", "save", f"v{v.id}", f"{WORK}/image", "--stop", nice=LOWEST)
                t.until(lambda: bar_of(t, "saving"), "bar")
                if sig == signal.SIGINT:
                    t.type(b"\x03")
                else:
                    os.kill(t.pid, sig)
                busy.stop()
            assert t.end() == -sig, os.waitstatus_to_exitcode(t.status)
            assert "saving" not in "".join(t.screen.lines()), t.screen.lines()
            assert part_files() == ["image"], part_files()
            assert open(f"{WORK}/image", encoding="utf-8").read() == "something better\n"
            assert v.state() == "running", v.state()
    finally:
        v.destroy()


@test("save: who ignores an interrupt, as nohup has it, is not interrupted")
def _():
    v = Vgpu(12)
    try:
        with Busy() as busy:
            t = Terminal("sh", "-c", 'trap "" INT; exec "$@"', "sh", CTL, "vgpu", "save", f"v{v.id}", f"{WORK}/image",
                         nice=LOWEST)
            t.until(lambda: bar_of(t, "saving"), "bar")
            t.type(b"\x03")
            busy.stop()
        assert t.end() == 0, t.screen.lines()
        assert os.path.getsize(f"{WORK}/image") > 12 << 20
    finally:
        v.destroy()


@test("restore: given up in the middle, no vGPU is left")
def _():
    os.mkfifo(f"{WORK}/fifo")
    before = len(vgpus())
    t = Terminal(CTL, "vgpu", "restore", f"{WORK}/fifo")
    with open(f"{WORK}/image", "rb") as image, open(f"{WORK}/fifo", "wb") as fifo:
        fifo.write(image.read(1 << 20))
        fifo.flush()
        # it has come as far as there is
        t.until(lambda: not struct.unpack("i", fcntl.ioctl(fifo, termios.FIONREAD, b"\0" * 4))[0] or t.read(), "reader")
        t.type(b"\x03")
        assert t.end() == -signal.SIGINT, os.waitstatus_to_exitcode(t.status)
    os.unlink(f"{WORK}/fifo")
    assert len(vgpus()) == before, vgpus()


@test("no bar in JSON, nor where nobody sees it")
def _():
    v = Vgpu(1)
    try:
        t = Terminal(CTL, "-j", "vgpu", "save", f"v{v.id}", f"{WORK}/image")
        assert t.end() == 0 and b"saving" not in t.raw and b"\x1b" not in t.raw, t.raw
        with open(f"{WORK}/err", "w+b") as err:
            subprocess.run([CTL, "vgpu", "save", f"v{v.id}", f"{WORK}/image"], check=True, stderr=err,
                           stdout=subprocess.DEVNULL)
            err.seek(0)
            assert not err.read()
        os.unlink(f"{WORK}/err")
        t = Terminal(CTL, "-j", "mem", "defrag", "0")
        assert t.end() == 0 and b"\r\x1b" not in t.raw and b"moving" not in t.raw, t.raw
    finally:
        v.destroy()


@test("save: what cannot be written says so, with nothing on the line before it")
def _():
    v = Vgpu(1)
    try:
        t = Terminal(CTL, "vgpu", "save", f"v{v.id}", "/dev/shm")
        assert t.end() == 1, t.screen.lines()
        assert any(line.startswith("vgpuctl: error: cannot save") for line in t.screen.lines()), t.screen.lines()
        assert not [f for f in os.listdir("/dev") if f.startswith("shm.")]
    finally:
        v.destroy()


# ---- top ------------------------------------------------------------------------

def rows_of(t):
    return [line.split()[0] for line in t.screen.lines() if line.startswith("v") and line[1:2].isdigit()]


def marked(t):
    return [t.screen.lines()[y].split()[0] for y in range(t.screen.rows) if 7 in t.screen.row_styles(y)]


@test("top: arrows choose, k asks, n does not stop it, y does, and only that one")
def _():
    some = [Vgpu() for _i in range(3)]
    try:
        t = Terminal(CTL, "top", "-d", "0.5", columns=120, rows=30)
        t.shows(f"v{some[0].id}", f"v{some[2].id}")
        t.type(b"k")
        t.shows("choose a vGPU by the arrow keys first")
        t.type(b"\x1b[B")
        t.until(lambda: marked(t) == [f"v{some[0].id}"], "mark")
        t.type(b"\x1b[B")
        t.until(lambda: marked(t) == [f"v{some[1].id}"], "mark below")
        t.type(b"r")
        t.shows("reversed")
        assert marked(t) == [f"v{some[1].id}"], "another one is chosen now"
        t.type(b"k")
        t.shows(f"Stop v{some[1].id} (", "python3", "y/N")
        t.type(b"n")
        t.until(lambda: "y/N" not in "".join(t.screen.lines()), "end of the question")
        assert [v.state() for v in some] == ["running"] * 3
        t.type(b"\x1b[20~")      # F9
        t.shows("y/N")
        t.type(b"y")
        t.shows(f"v{some[1].id} is stopped")
        assert [v.state() for v in some] == ["running", "stopped", "running"], [v.state() for v in some]
        t.type(b"q")
        assert t.end() == 0
    finally:
        for v in some:
            v.destroy()


@test("top: a vGPU that went while the question was open is not another one of its number")
def _():
    v = Vgpu()
    t = Terminal(CTL, "top", "-d", "0.5", columns=120)
    t.shows(f"v{v.id}")
    t.type(b"\x1b[Ak")
    t.shows(f"Stop v{v.id}")
    v.destroy()
    other = Vgpu()
    try:
        assert other.id == v.id, "its number is not used again: this shows nothing"
        t.type(b"y")
        t.shows(f"cannot stop v{v.id}: no vGPU has the UUID")
        assert other.state() == "running"
        t.type(b"q")
        assert t.end() == 0
    finally:
        other.destroy()


@test("top: a window that shrinks shows what fits, with the chosen one in it, and the rest again")
def _():
    some = [Vgpu() for _i in range(8)]
    try:
        t = Terminal(CTL, "top", "-d", "0.5", columns=120, rows=30)
        t.until(lambda: len(rows_of(t)) == 8, "eight of them")
        t.type(b"\x1b[A")       # the last
        t.until(lambda: marked(t) == [f"v{some[7].id}"], "mark")
        t.resize(60, 9)
        t.until(lambda: marked(t) == [f"v{some[7].id}"] and 0 < len(rows_of(t)) < 8, "few of them")
        assert any("vgpuctl top" in line for line in t.screen.lines()[:1]), t.screen.lines()
        t.type(b"\x1b[A" * 7)
        t.until(lambda: marked(t) == [f"v{some[0].id}"], "the first, by scrolling")
        t.resize(120, 30)
        t.until(lambda: len(rows_of(t)) == 8, "eight again")
        t.type(b"q")
        assert t.end() == 0
    finally:
        for v in some:
            v.destroy()


@test("top: p pauses, and the terminal is as it was after q, ^C and ^Z")
def _():
    for keys, status in ((b"q", 0), (b"\x03", 0)):
        t = Terminal(CTL, "top", "-d", "0.5")
        t.shows("vgpuctl top", "no vGPU")
        t.type(b"p")
        t.shows("PAUSED")
        t.type(b"p")
        t.until(lambda: "PAUSED" not in "".join(t.screen.lines()), "end of the pause")
        was = termios.tcgetattr(t.fd)
        assert not was[3] & termios.ECHO
        t.type(keys)
        assert t.end() == status
        assert t.screen.modes == {"1049": False, "25": True, "7": True}, t.screen.modes
    t = Terminal(CTL, "top", "-d", "0.5")
    t.shows("vgpuctl top", "no vGPU")
    t.type(b"\x1a")
    assert os.WIFSTOPPED(os.waitpid(t.pid, os.WUNTRACED)[1])
    t.until(lambda: t.screen.modes.get("1049") is False, "the old screen")
    assert termios.tcgetattr(t.fd)[3] & termios.ECHO
    os.kill(t.pid, signal.SIGCONT)
    t.until(lambda: t.screen.modes.get("1049") is True, "the screen again")
    t.type(b"q")
    assert t.end() == 0


# ---- names ------------------------------------------------------------------------

@test("a program's name does nothing to the terminal, and breaks no JSON")
def _():
    libc = ctypes.CDLL(None, use_errno=True)
    old = open("/proc/self/comm", "rb").read().rstrip(b"\n")
    for name, seen in ((b"\x1b[31mred\x07", "\\x1b[31mred\\x07"), (b"caf\xc3\xa9", "caf\u00e9"), (b"\xff\xfe!", "\\xff\\xfe!"),
                       (b"\xe6\xbc\xa2\xe5\xad\x97", "\u6f22\u5b57"), (b"cut\xe6\xbc", "cut\\xe6\\xbc")):
        libc.prctl(15, name, 0, 0, 0)
        v = Vgpu()
        try:
            for words in (("vgpu", "list"), ("vgpu", "show", f"v{v.id}"), ("top", "-b", "-n", "1", "-d", "0.1"),
                          ("vgpu", "destroy", f"v{v.id}")):
                r = subprocess.run([CTL, *words], capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
                said = (r.stdout + r.stderr).decode()      # is it text?
                assert seen in said and "\x1b" not in said and "\x07" not in said, (words, said)
            ours = ctl("vgpu", "show", f"v{v.id}")["vgpu"]["holder"]
            assert ours == (seen if "\\xf" in seen or "\\xe" in seen else name.decode()), ours
        finally:
            libc.prctl(15, old, 0, 0, 0)
            v.destroy()


if os.path.exists("/proc/sys/kernel/sched_autogroup_enabled"):
    # the terminal's session would have as much of the CPU as the neighbour
    with open("/proc/sys/kernel/sched_autogroup_enabled", "w", encoding="ascii") as setting:
        setting.write("0")
sys.exit(run())
