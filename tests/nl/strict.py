#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Each operation with each attribute in each wrong shape, from the description.

What it says of an operation's requests is all that is taken: attributes of another
operation, of none, too short, too long, out of range, with a flag of nesting or
missing are refused, and the answer points at them.  And who has no privileges is
told nothing of others, by any operation.

Needs root, vgpu.ko, and 8 soft GPUs with room for 8 of their smallest type.
"""
import errno
import os
import struct
import subprocess
import sys

from genl import F_ACK, F_DUMP, NLA_F_NESTED, SPECS, Genl, Refused, as_somebody, attr, decode, encode, u32, u64
from tap import run, test

nl = Genl()
SMALL = min(nl.dump("type-get", gpu=0), key=lambda t: t["vram-bytes"])["name"]
VGPU = None     # the one that requests are about

OPS = {name: op for name, op in SPECS.op_lists.items() if "do" in op or "dump" in op}
ALL = [(name, mode) for name, op in OPS.items() for mode in ("do", "dump") if mode in op]

# What a request needs, to be about something that is there.
GOOD = {"gpu-get": dict(index=0), "gpu-set": dict(index=0), "vgpu-get": dict(id=0),
        "vgpu-create": dict(gpu=0, type=SMALL), "vgpu-destroy": dict(id=0),
        "vgpu-verb": dict(id=0, verb=1), "vgpu-set": dict(id=0), "gpu-defrag": dict(index=0),
        "mem-map-get": dict(index=0), "access-add": dict(verdict=1, who=0), "access-delete": dict(all=b""),
        "vgpu-violations-get": dict(id=0), "gpu-recover": dict(index=0)}
# Where another one would do as well, and is the one that is named.
NAMED = {"all": "position"}
# What those without privileges may ask, and what they are told.
PUBLIC = {"gpu-get": {"index", "name", "driver", "device", "caps", "engines", "units", "max-lanes", "shared-bytes",
                      "max-instances", "instances", "vram-bytes", "policy", "slice-ns", "preempt-timeout-ns",
                      "strategy", "governor", "own-slice-ns", "overcommit-permille", "defrag-threshold",
                      "defrag-interval", "read-ahead", "switch", "max-contexts", "serialize", "tier-limit"},
          "type-get": {"gpu", "name", "shares", "weight", "vram-bytes", "available"},
          "vgpu-get": {"id", "uuid", "gpu", "type", "state", "flags"}}
GROUPS = {"lifecycle"}


def good(op, mode):
    values = dict(GOOD[op]) if mode == "do" else {}
    if "id" in values:
        values["id"] = VGPU
    return values


def requested(op, mode):
    return OPS[op][mode].get("request", {}).get("attributes", [])


def ask(sock, op, mode, payload):
    dump = mode == "dump"
    seq = sock.send(sock.family, SPECS.ops[op], payload, F_DUMP if dump else F_ACK)
    return sock.receive(seq, OPS[op]["attribute-set"], dump)


def refused(errs, op, mode, payload, blames=None, missing=None, sock=None, what=""):
    """By one of @errs, with a sentence; the attribute that is to blame is pointed at."""
    sock = sock or nl
    try:
        ask(sock, op, mode, payload)
    except Refused as r:
        assert r.err in errs, f"{op} {mode} {what}: wanted {[errno.errorcode[e] for e in errs]}, got {r}"
        assert r.text, f"{op} {mode} {what}: no sentence with {r}"
        # 6.1 has no place for it in the end of a dump that was begun
        if blames is not None and (mode == "do" or r.attr is not None or r.early):
            assert r.attr == blames, f"{op} {mode} {what}: wanted {blames} blamed, got {r}"
        if missing:
            assert r.missing == missing, f"{op} {mode} {what}: wanted {missing} missing, got {r}"
        return
    raise AssertionError(f"{op} {mode} {what}: was not refused")


def right(op, mode, name, a):
    """Something that the kernel takes by its shape."""
    values = good(op, mode)
    if name in values:
        return encode(OPS[op]["attribute-set"], **{name: values[name]})[4:]
    kind, checks = a["type"], a.get("checks", {})
    low = checks.get("min", 0)
    if a.get("enum"):
        d = next(d for d in SPECS.definitions if d["name"] == a["enum"])
        low = 1 if d["type"] == "flags" else d.get("value-start", 0)
    return {"u32": u32(low), "u64": u64(low), "s32": u32(low), "string": b"x\0",
            "binary": b"u" * checks.get("exact-len", 16), "flag": b"", "nest": b"", "pad": b""}[kind]


def wrong(a):
    """(what, payload, errnos)"""
    kind, checks = a["type"], a.get("checks", {})
    shape = (errno.EINVAL, errno.ERANGE)
    size = {"u32": 4, "s32": 4, "u64": 8, "binary": checks.get("exact-len")}.get(kind)
    if size:
        for n in sorted({0, 1, size - 1, size + 1, 2 * size, 200} - {size}):
            yield f"of {n} bytes", b"\0" * n, shape
    if kind == "flag":
        yield "with a value", u32(1), shape
    if kind == "string":
        yield "without a byte", b"", shape
        yield "without an end", b"xx", shape
        yield "too long", b"x" * (checks["max-len"] + 1) + b"\0", shape
    if kind not in ("u32", "u64", "s32"):
        return
    pack = u64 if kind == "u64" else u32
    if a.get("enum"):
        d = next(d for d in SPECS.definitions if d["name"] == a["enum"])
        n = len(d["entries"])
        if d["type"] == "flags":
            yield "of no flag", pack(1 << n), shape
        else:
            start = d.get("value-start", 0)
            yield "past the last", pack(start + n), (errno.ERANGE,)
            if start:
                yield "before the first", pack(start - 1), (errno.ERANGE,)
        return
    if checks.get("min"):
        yield "too small", pack(checks["min"] - 1), (errno.ERANGE,)
    if "max" in checks:
        yield "too large", pack(checks["max"] + 1), (errno.ERANGE,)
        yield "much too large", pack((1 << (64 if kind == "u64" else 32)) - 1), (errno.ERANGE,)


def rest(op, mode, but):
    """A good request without one attribute."""
    values = good(op, mode)
    values.pop(but, None)
    return encode(OPS[op]["attribute-set"], **{k.replace("-", "_"): v for k, v in values.items()})


def state():
    """What a refused request must not have changed."""
    gpu = nl.do("gpu-get", index=0)
    vgpu = nl.do("vgpu-get", id=VGPU)
    settable = [a.replace("_", "-") for a in requested("gpu-set", "do") + ["instances", "vram-committed"]]
    own = requested("vgpu-set", "do") + ["state"]
    return ([(k, gpu.get(k)) for k in settable], [(k, vgpu.get(k)) for k in own],
            [v["id"] for v in nl.dump("vgpu-get")], nl.dump("access-get"))


def unchanged(fn):
    def checked():
        before = state()
        fn()
        assert state() == before, "a refused request changed something"
    return checked


@test("the table has a line for each operation that takes one, and knows what is public")
def _():
    assert set(GOOD) == {op for op, mode in ALL if mode == "do"}
    assert set(PUBLIC) <= set(OPS)


@test("attributes of a wrong length or out of range are refused, each by name")
@unchanged
def _():
    count = 0
    for op, mode in ALL:
        attrs = SPECS.sets[OPS[op]["attribute-set"]]
        for name in requested(op, mode):
            number, a = attrs[name]
            for what, payload, errs in wrong(a):
                refused(errs, op, mode, rest(op, mode, name) + attr(number, payload), blames=name,
                        what=f"{name} {what}")
                count += 1
    print(f"# {count} shapes")
    assert count > 300


@test("a flag of nesting is refused on each of them")
@unchanged
def _():
    for op, mode in ALL:
        attrs = SPECS.sets[OPS[op]["attribute-set"]]
        for name in requested(op, mode):
            number, a = attrs[name]
            refused((errno.EINVAL,), op, mode,
                    rest(op, mode, name) + attr(number | NLA_F_NESTED, right(op, mode, name, a)),
                    blames=name, what=f"{name} nested")


@test("attributes that are not of the request are refused, by name or number")
@unchanged
def _():
    count = 0
    for op, mode in ALL:
        whole = rest(op, mode, None)
        for name, (number, a) in SPECS.sets[OPS[op]["attribute-set"]].items():
            if name in requested(op, mode):
                continue
            for payload in (right(op, mode, name, a), b"\0" * 16):
                refused((errno.EINVAL, errno.ERANGE), op, mode, whole + attr(number, payload), blames=name,
                        what=f"{name} of {len(payload)} bytes")
                count += 1
        top = max(n for n, _ in SPECS.sets[OPS[op]["attribute-set"]].values())
        for number in (0, top + 1, 1000, 0x3fff):
            refused((errno.EINVAL,), op, mode, whole + attr(number, u32(0)), blames=number, what=f"number {number}")
            # the first counts, and so does the last
            refused((errno.EINVAL,), op, mode, attr(number, u32(0)) + whole, blames=number, what=f"number {number}")
    print(f"# {count} of them")
    assert count > 500


@test("what a request needs and does not have is named")
@unchanged
def _():
    for op, mode in ALL:
        for name in good(op, mode):
            refused((errno.EINVAL,), op, mode, rest(op, mode, name), missing=NAMED.get(name, name),
                    what=f"without {name}")


@test("bytes left over, and attributes past the end, are refused")
@unchanged
def _():
    for op, mode in ALL:
        whole = rest(op, mode, None)
        refused((errno.EINVAL,), op, mode, whole + b"\1\2\3", what="three bytes left over")
        for n in (0, 3):    # what is no attribute at all
            refused((errno.EINVAL,), op, mode, whole + struct.pack("=HH", n, 1), what=f"a length of {n}")
        refused((errno.EINVAL,), op, mode, whole + struct.pack("=HHI", 400, 1, 0), what="past the end")


@test("what cannot be done, or dumped, is not")
@unchanged
def _():
    for op, p in OPS.items():
        for mode in ("do", "dump"):
            if mode in p:
                continue
            try:
                ask(nl, op, mode, b"")
                raise AssertionError(f"{op}: {mode} is answered")
            except Refused as r:
                assert r.err == errno.EOPNOTSUPP, f"{op} {mode}: {r}"


# ---- dumps ----------------------------------------------------------------------

@test("a dump that changes midway says so, and one that does not does not")
@unchanged
def _():
    ids = [nl.do("vgpu-create", gpu=0, type=SMALL)["id"] for _i in range(7)]
    for _i in range(63):
        nl.do("access-add", verdict=1, who=0)

    def vgpus():
        nl.do("vgpu-destroy", id=nl.do("vgpu-create", gpu=1, type=SMALL)["id"])

    def rules():
        nl.do("access-delete", position=40)
        nl.do("access-add", verdict=1, who=0)
    try:
        for op, change in (("vgpu-get", vgpus), ("sched-get", vgpus), ("gpu-get", vgpus), ("type-get", vgpus),
                           ("access-get", rules)):
            for changes in (False, True):
                reader, stats = Genl(4096), {}
                # what fits a message is put there now, the rest when that is read
                seq = reader.send(reader.family, SPECS.ops[op], b"", F_DUMP)
                if changes:
                    change()
                reader.receive(seq, None, True, stats)
                assert stats["interrupted"] == changes, f"{op}: changed {changes}, marked {not changes}: {stats}"
                reader.close()
    finally:
        for i in ids:
            nl.do("vgpu-destroy", id=i)
        nl.do("access-delete", all=b"")
        nl.do("access-add", verdict=1, who=0)


# ---- who may --------------------------------------------------------------------

def told_nothing(sock, vgpu=None):
    """Whatever is asked, in whatever shape: EPERM, or what is public."""
    for op, mode in ALL:
        values = good(op, mode)
        ids = (values.get("id"), 0xfff0) if "id" in values else (None,)
        for some_id in ids:
            if some_id is not None:
                values["id"] = some_id
            payload = encode(OPS[op]["attribute-set"], **values)
            if op not in PUBLIC:
                # who is not there is not told of, either
                refused((errno.EPERM,), op, mode, payload, sock=sock, what=f"of {some_id}")
                continue
            if some_id == 0xfff0:
                continue
            answers = [decode(OPS[op]["attribute-set"], a) for a in ask(sock, op, mode, payload)]
            assert answers, f"{op} {mode}: no answer"
            for a in answers:
                assert set(a) <= PUBLIC[op], f"{op} {mode} tells of {set(a) - PUBLIC[op]}"


@test("without privileges nothing is told of others, and nothing done")
@unchanged
def _():
    as_somebody(lambda: told_nothing(Genl()))


@test("nor through the socket of one who has them")
@unchanged
def _():
    as_somebody(lambda: told_nothing(nl))


@test("nor is one who has them lent the socket of one who has not")
@unchanged
def _():
    import socket as s
    ours, theirs = s.socketpair(s.AF_UNIX, s.SOCK_STREAM)

    def child():
        mine = Genl()
        s.send_fds(theirs, [b"x"], [mine.sock.fileno()])
        theirs.recv(1)
    pid = os.fork()
    if not pid:
        try:
            os.setresuid(65534, 65534, 65534)
            child()
        finally:
            os._exit(0)
    _, fds, _, _ = s.recv_fds(ours, 1, 1)
    lent = Genl.__new__(Genl)
    lent.__dict__.update(nl.__dict__)
    lent.sock = s.socket(fileno=fds[0])
    lent.sock.settimeout(20)
    lent.seq = 1000
    told_nothing(lent)
    ours.send(b"x")
    os.waitpid(pid, 0)


def in_namespaces(*flags):
    """told_nothing() as root of namespaces of its own."""
    here = os.path.dirname(os.path.abspath(__file__))
    code = (f"import sys; sys.path.insert(0, {here!r}); sys.argv = ['strict.py', '--within', '{VGPU}']\n"
            f"exec(open({here + '/strict.py'!r}).read())\n")
    return subprocess.run(["unshare", *flags, sys.executable, "-c", code], capture_output=True, text=True)


@test("root of a user namespace is nobody here")
@unchanged
def _():
    r = in_namespaces("-Ur")
    assert r.returncode == 0 and "told nothing" in r.stdout, r.stdout + r.stderr


@test("listening: only the life of vGPUs is public")
def _():
    def child():
        mine = Genl()
        for group in nl.groups:
            try:
                mine.join(group)
                joined = True
            except PermissionError:
                joined = False
            assert joined == (group in GROUPS), f"{group}: {joined}"
    as_somebody(child)


def main():
    global VGPU
    if "--within" in sys.argv:
        VGPU = int(sys.argv[2])
        told_nothing(Genl())
        print("told nothing")
        return 0
    VGPU = nl.do("vgpu-create", gpu=0, type=SMALL)["id"]
    try:
        nl.do("vgpu-verb", id=VGPU, verb=1)
        nl.do("access-add", verdict=1, who=0)
        return run()
    finally:
        nl.do("access-delete", all=b"")
        nl.do("vgpu-destroy", id=VGPU)


sys.exit(main())
