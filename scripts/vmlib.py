# SPDX-License-Identifier: GPL-2.0
"""What scripts/vm and scripts/guest share: kernels, initramfs, machines."""
import gzip
import lzma
import os
import re
import selectors
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
CACHE = os.environ.get("VGPU_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "vgpu")
BUILD = os.environ.get("BUILD") or os.path.join(TOP, "build")

HANG, REPORT, BROKEN = 124, 125, 126

# What a healthy kernel never says. Searched in the kernel's log and console.
BAD = re.compile(
    r"\bBUG: |\bWARNING: |UBSAN: |KASAN: [a-z]|ODEBUG: |INFO: possible |INFO: task .* blocked for more"
    r"|Kernel panic - |\bOops: |general protection fault|Unable to handle|unable to handle|kernel BUG at"
    r"|suspicious RCU usage|held lock freed|bad unlock balance|detected stalls?|self-detected stall"
    r"|soft lockup|hard LOCKUP|unreferenced object 0x|kmemleak: \d+ new suspected|refcount_t: "
    r"|scheduling while atomic|sleeping function called|Bad page state|Bad rss-counter|workqueue lockup"
    r"|corrupted (list|page|slab)|list_(add|del) corruption")
# Said by every TCG machine, or meant for someone else.
HARMLESS = re.compile(
    r"Spectre V2|Command line: ")


NAME = os.path.basename(sys.argv[0])


def say(text):
    print(f"{NAME}: {text}", file=sys.stderr, flush=True)


def die(text, code=BROKEN):
    say(f"error: {text}")
    sys.exit(code)


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            die(f"{p} is missing; run scripts/setup")


def unpacked(image, release):
    """The ELF file in an image that is packed by xz, which without KVM takes a third of the
    time to boot. It is unpacked once; QEMU starts it where Xen would (PVH)."""
    boot = os.path.dirname(image)
    try:
        with open(os.path.join(boot, f"config-{release}"), encoding="utf-8") as f:
            config = f.read().splitlines()
    except OSError:
        return image
    if "CONFIG_KERNEL_XZ=y" not in config or "CONFIG_PVH=y" not in config:
        return image
    path = os.path.join(boot, f"vmlinux-{release}")
    if not os.path.exists(path):
        with open(image, "rb") as f:
            data = f.read()
        try:
            data = lzma.LZMADecompressor().decompress(data[data.index(b"\xfd7zXZ\0"):])
            write_atomically(path, data)
        except (ValueError, lzma.LZMAError, OSError) as e:
            say(f"{image} is used as it is: {e}")
            return image
    return path


def firmware(name):
    """QEMU's arguments for "qboot", which does no more than a kernel needs, where there is one."""
    rom = f"/usr/share/qemu/{name}.rom"
    return ["-bios", rom] if name != "seabios" and os.path.exists(rom) else []


class Kernel:
    """A kernel of scripts/kernel, fetched if it is not there yet."""

    def __init__(self, name):
        self.name = name
        tool = os.path.join(TOP, "scripts/kernel")
        found = subprocess.run([tool, "path", name], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        if found.returncode == 3:
            if subprocess.run([tool, "fetch", name]).returncode:
                die(f"kernel {name} is not to be had")
            found = subprocess.run([tool, "path", name], stdout=subprocess.PIPE, text=True)
        if found.returncode:
            die(f"no kernel is called {name}; scripts/kernel list shows them")
        v = dict(line.split("=", 1) for line in found.stdout.splitlines())
        self.modules, self.release = v["MODULES"], v["RELEASE"]
        self.image = unpacked(v["IMAGE"], self.release)

    def module_files(self, wanted):
        """Files of the modules and of what they need, in loading order."""
        deps = {}
        with open(os.path.join(self.modules, "modules.dep"), encoding="utf-8") as f:
            for line in f:
                path, _, rest = line.partition(":")
                name = os.path.basename(path).split(".ko")[0].replace("-", "_")
                deps[name] = (path, rest.split())
        files = []
        for name in wanted:
            if name.replace("-", "_") not in deps:
                continue        # built in
            path, rest = deps[name.replace("-", "_")]
            for p in list(reversed(rest)) + [path]:
                if p not in files:
                    files.append(p)
        return files


def cpio(entries):
    """A newc archive of (name, mode, data); directories have no data."""
    out = bytearray()

    def add(ino, name, mode, data):
        nonlocal out
        n = name.encode() + b"\0"
        head = "070701" + "".join(f"{v:08x}" for v in (
            ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(n), 0))
        out += head.encode() + n
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)

    for i, (name, mode, data) in enumerate(entries, 1):
        add(i, name, mode, data)
    add(0, "TRAILER!!!", 0, b"")
    return bytes(out)


def read_module(path):
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".gz"):
        return gzip.decompress(data)
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def write_atomically(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path), delete=False) as f:
        f.write(data)
    os.rename(f.name, path)


class Log:
    """The kernel's log, as lines; remembers what a healthy kernel never says."""

    def __init__(self, path, expect):
        self.file = open(path, "w", encoding="utf-8", errors="replace")
        self.path, self.expect, self.bad = path, expect, []

    def line(self, text):
        self.file.write(text + "\n")
        self.file.flush()
        if BAD.search(text) and not HARMLESS.search(text):
            if not (self.expect and self.expect.search(text)):
                self.bad.append(text)


class Machine:
    """One run of QEMU and its channels."""

    CHANNELS = ("ctl", "out", "err", "kmsg", "files")

    def __init__(self, o, args, run):
        """o has expect_warn, verbose, timeout and optionally pidfile."""
        self.o, self.run, self.status = o, run, None
        expect = re.compile(o.expect_warn) if o.expect_warn else None
        self.kmsg = Log(os.path.join(run, "dmesg.log"), expect)
        self.console = os.path.join(run, "console.log")
        self.leaks = []
        self.ctl = None
        # what the machine sends as a tar archive instead of sharing a directory
        self.files = open(os.path.join(run, "files.tar"), "wb")
        self.buffer = {c: b"" for c in self.CHANNELS}
        self.seq = -1
        self.ended = False
        self.expect = expect
        self.listeners = {}
        args = args + ["-device", "virtio-serial-pci,max_ports=6"]
        for c in self.CHANNELS:
            path = os.path.join(run, c)
            s = socket.socket(socket.AF_UNIX)
            s.bind(path)
            s.listen(1)
            self.listeners[c] = s
            args += ["-chardev", f"socket,id={c},path={path}",
                     "-device", f"virtserialport,chardev={c},name=vgpu.{c}"]
        args += ["-serial", f"file:{self.console}"]
        with open(os.path.join(run, "qemu.cmd"), "w", encoding="utf-8") as f:
            f.write(shlex.join(args) + "\n")
        if o.verbose:
            say(shlex.join(args))
        with open(os.path.join(run, "qemu.log"), "wb") as f:
            self.proc = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                                         start_new_session=True)
        if getattr(o, "pidfile", None):
            write_atomically(os.path.abspath(o.pidfile), f"{self.proc.pid}\n".encode())

    def stop(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()

    def received(self, channel, data):
        if channel == "files":
            self.files.write(data)
            self.files.flush()
            return
        if channel in ("out", "err"):
            stream = sys.stdout.buffer if channel == "out" else sys.stderr.buffer
            stream.write(data)
            stream.flush()
            return
        lines = (self.buffer[channel] + data).split(b"\n")
        self.buffer[channel] = lines.pop()
        for raw in lines:
            text = raw.decode("utf-8", "replace")
            if channel == "kmsg":
                self.kernel_line(text)
            elif text.startswith("exit "):
                self.status = int(text[5:])
            elif text.startswith("leak "):
                self.leaks.append(text[5:])

    def kernel_line(self, text):
        # "priority,sequence,microseconds,flags;message"; other lines belong to it
        m = re.match(r"(\d+),(\d+),(\d+),[^;]*;(.*)", text)
        if not m:
            return
        if int(m[2]) <= self.seq:
            return
        self.seq = int(m[2])
        if m[4].startswith("vgpu-vm: end"):
            self.ended = True
            self.bye()
            return
        self.kmsg.line(f"[{int(m[3]) / 1e6:12.6f}] {m[4]}")

    def bye(self):
        """Lets the machine power off: all that it said has been read."""
        try:
            if self.ctl:
                self.ctl.sendall(b"bye\n")
        except OSError:
            pass

    def wait(self, timeout):
        """Carries the channels until QEMU ends; False if it took too long."""
        sel = selectors.DefaultSelector()
        for c, s in self.listeners.items():
            sel.register(s, selectors.EVENT_READ, (c, True))
        deadline = time.monotonic() + timeout if timeout else None
        ended_at = None
        while True:
            for key, _ in sel.select(0.2):
                channel, listening = key.data
                if listening:
                    conn, _ = key.fileobj.accept()
                    sel.unregister(key.fileobj)
                    sel.register(conn, selectors.EVENT_READ, (channel, False))
                    if channel == "ctl":
                        self.ctl = conn
                    continue
                try:
                    data = key.fileobj.recv(65536)
                except OSError:
                    data = b""
                if data:
                    self.received(channel, data)
                else:
                    sel.unregister(key.fileobj)
            now = time.monotonic()
            if self.proc.poll() is not None:
                if ended_at is None:
                    ended_at = now + 0.3      # what is still in the sockets
                elif now > ended_at or not sel.get_map():
                    return True
            elif deadline and now > deadline:
                return False

    def console_bad(self):
        bad = []
        if os.path.exists(self.console):
            with open(self.console, encoding="utf-8", errors="replace") as f:
                for line in f:
                    line = line.rstrip()
                    if BAD.search(line) and not HARMLESS.search(line):
                        if not (self.expect and self.expect.search(line)):
                            bad.append(line)
        return bad


def tail(path, n=40):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    except OSError:
        return
    for line in lines[-n:]:
        print(f"  | {line}", file=sys.stderr)


def excerpt(path, first_bad, n=60):
    """Shows the log from just before its first bad line."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    except OSError:
        return
    at = next((i for i, l in enumerate(lines) if first_bad in l), max(0, len(lines) - n))
    for line in lines[max(0, at - 5):at + n]:
        print(f"  | {line}", file=sys.stderr)


def verdict(o, m, in_time):
    bad = m.kmsg.bad or m.console_bad()
    if bad:
        say(f"the kernel reported: {bad[0].strip()}")
        excerpt(m.kmsg.path if m.kmsg.bad and m.ended else m.console, bad[0])
        for line in bad[1:10]:
            say(f"and: {line.strip()}")
    if m.leaks:
        say("kmemleak found memory that nobody points to:")
        for line in m.leaks[:60]:
            print(f"  | {line}", file=sys.stderr)
    if bad or m.leaks:
        return REPORT
    if not in_time:
        say(f"hang: not finished after {o.timeout:g} s; the end of the kernel's log:")
        tail(m.kmsg.path)
        tail(m.console, 10)
        return HANG
    if m.status is None:
        say("the machine stopped before the command did; the end of its console:")
        tail(m.console)
        tail(os.path.join(m.run, "qemu.log"))
        return BROKEN
    return m.status


def keep_logs(run, where, code, name):
    """Copies a machine's logs to where, or, if it failed, below build/vm."""
    if not where and code:
        where = os.path.join(BUILD, "vm", f"{time.strftime('%H%M%S')}-{name}-{os.getpid()}")
    if not where:
        return
    os.makedirs(where, exist_ok=True)
    for f in ("console.log", "dmesg.log", "qemu.log", "qemu.cmd", "command"):
        if os.path.exists(os.path.join(run, f)):
            shutil.copy(os.path.join(run, f), where)
    if code:
        say(f"logs are in {where}")
