#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The netlink family by raw messages: what it answers, what it refuses, whom.

Needs root, vgpu.ko, and 8 soft GPUs with room for 8 of their smallest type.
"""
import ctypes
import errno
import mmap
import os
import random
import struct
import subprocess
import sys
import threading
import time
import uuid

from genl import (F_DUMP, SPECS, Genl, Refused, as_somebody, attr, encode, u32)
from tap import run, test

nl = Genl()
SMALL = min(nl.dump("type-get", gpu=0), key=lambda t: t["vram-bytes"])["name"]
A = {s: {name: n for name, (n, _) in attrs.items()} for s, attrs in SPECS.sets.items()}


def refused(err, fn, *args, text=None, attr_name=None, missing=None, **kw):
    errs = err if isinstance(err, tuple) else (err,)
    try:
        fn(*args, **kw)
    except Refused as r:
        assert r.err in errs, f"wanted {[errno.errorcode[e] for e in errs]}, got {r}"
        assert r.text, f"no sentence with {r}"
        if text:
            assert text in r.text, f"wanted '{text}', got {r}"
        if attr_name:
            assert r.attr == attr_name, f"wanted {attr_name} blamed, got {r}"
        if missing:
            assert r.missing == missing, f"wanted {missing} missing, got {r}"
        return r
    raise AssertionError("was not refused")


class Vgpu:
    """One that is gone after the block."""

    def __init__(self, start=False, gpu=0, **kw):
        self.args = dict(gpu=gpu, type=SMALL, **kw)
        self.start = start

    def __enter__(self):
        self.id = nl.do("vgpu-create", **self.args)["id"]
        if self.start:
            nl.do("vgpu-verb", id=self.id, verb=1)
        return self.id

    def __exit__(self, *exc):
        try:
            nl.do("vgpu-destroy", id=self.id)
        except Refused as r:
            if r.err != errno.ENODEV:
                raise


# ---- the family ---------------------------------------------------------------

@test("the family has its version, operations and groups")
def _():
    assert nl.version == 1
    assert set(nl.groups) == {"lifecycle", "quota", "health", "governor",
                               "memory", "performance"}, nl.groups
    assert nl.op_count == sum("do" in o or "dump" in o for o in SPECS.op_lists.values())


@test("an unknown command is refused")
def _():
    try:
        nl.talk_raw(nl.family, 200)
        raise AssertionError("it was not")
    except Refused as r:
        assert r.err == errno.EOPNOTSUPP, r


@test("a notification is no command")
def _():
    try:
        nl.do_raw("lifecycle-ntf", b"")
        raise AssertionError("it was")
    except Refused as r:
        assert r.err == errno.EOPNOTSUPP, r


# ---- strict validation ----------------------------------------------------------

@test("short and long numbers are refused")
def _():
    for n in (0, 1, 2, 3, 5, 8):
        refused((errno.ERANGE, errno.EINVAL), nl.do, "gpu-get", index=b"\0" * n, attr_name="index")


@test("unknown attributes are refused")
def _():
    good = encode("gpu", index=0)
    for kind in (0, 99, 0x3fff):
        refused(errno.EINVAL, nl.do_raw, "gpu-get", good + attr(kind, u32(1)))


@test("attributes that belong to another operation are refused")
def _():
    refused(errno.EINVAL, nl.do, "vgpu-destroy", id=0, weight=5, attr_name="weight")
    refused(errno.EINVAL, nl.do, "gpu-get", index=0, policy="rr", attr_name="policy")
    refused(errno.EINVAL, nl.do, "vgpu-create", gpu=0, type=SMALL, vram_used=1)


@test("bytes left over are refused")
def _():
    refused(errno.EINVAL, nl.do_raw, "gpu-get", encode("gpu", index=0) + b"\1\2\3")


@test("an attribute longer than the message is refused")
def _():
    refused(errno.EINVAL, nl.do_raw, "gpu-get", struct.pack("=HHI", 400, A["gpu"]["index"], 0))


@test("a flag of nesting on a number is refused")
def _():
    refused(errno.EINVAL, nl.do_raw, "gpu-get", attr(A["gpu"]["index"] | 0x8000, u32(0)))


@test("reserved bits of the header must be zero")
def _():
    try:
        nl.do_raw("gpu-get", encode("gpu", index=0), reserved=1)
        raise AssertionError("they need not")
    except Refused as r:
        assert r.err == errno.EINVAL, r


@test("missing attributes are named")
def _():
    refused(errno.EINVAL, nl.do, "gpu-get", missing="index", text="index")
    refused(errno.EINVAL, nl.do, "gpu-set", missing="index")
    refused(errno.EINVAL, nl.do, "vgpu-get", missing="id", text="id or uuid")
    refused(errno.EINVAL, nl.do, "vgpu-create", missing="gpu")
    refused(errno.EINVAL, nl.do, "vgpu-create", gpu=0, missing="type")
    refused(errno.EINVAL, nl.do, "vgpu-destroy", missing="id")


@test("what is not there is named")
def _():
    refused(errno.ENODEV, nl.do, "gpu-get", index=77, attr_name="index", text="no GPU 77")
    refused(errno.ENODEV, nl.do, "gpu-get", index=0xffffffff, attr_name="index")
    refused(errno.ENODEV, nl.do, "vgpu-get", id=0xfffffffe, attr_name="id")
    refused(errno.ENODEV, nl.do, "vgpu-get", uuid=b"x" * 16, attr_name="uuid", text="78787878-7878")
    refused(errno.ENODEV, nl.do, "vgpu-create", gpu=77, type=SMALL, attr_name="gpu")
    refused(errno.ENODEV, nl.dump, "type-get", gpu=77, text="no GPU 77")
    refused(errno.ENODEV, nl.dump, "vgpu-get", gpu=77, text="no GPU 77")


# ---- reading ----------------------------------------------------------------------

@test("a GPU's answer is complete")
def _():
    g = nl.do("gpu-get", index=0)
    want = set(SPECS.op_lists["gpu-get"]["do"]["reply"]["attributes"]) - {"unplugged", "mode"}
    assert set(g) == want, set(g) ^ want
    assert set(g["vram"]) == set(A["vram"]) - {"pad"}
    shared, spare = g["engine"][:g["engines"]], g["engine"][g["engines"]:]
    assert len(shared) == g["engines"] and all(e["units"] == g["units"] for e in shared), g["engine"]
    assert not any(e["units"] for e in spare), spare
    assert all(set(e) == set(A["engine"]) - {"pad"} for e in g["engine"])
    assert g["index"] == 0 and g["driver"] == "vgpu_soft" and g["units"] >= 1


@test("a vGPU's answer is complete, by id and by UUID")
def _():
    with Vgpu() as i:
        v = nl.do("vgpu-get", id=i)
        want = set(SPECS.op_lists["vgpu-get"]["do"]["reply"]["attributes"]) - {"holder-pid", "holder", "group", "group-weight"}
        assert set(v) == want, set(v) ^ want
        assert v["state"] == 0 and v["flags"] == 0 and v["type"] == SMALL and v["clients"] == 0
        w = nl.do("vgpu-get", uuid=v["uuid"])
        assert w["id"] == i
        assert nl.do("vgpu-get", id=i, uuid=v["uuid"])["id"] == i
        with Vgpu() as j:
            refused(errno.EINVAL, nl.do, "vgpu-get", id=j, uuid=v["uuid"], attr_name="id")


@test("dumps do not take what names one")
def _():
    refused(errno.EINVAL, nl.dump, "gpu-get", index=0)
    refused(errno.EINVAL, nl.dump, "vgpu-get", id=0)
    refused(errno.EINVAL, nl.do, "vgpu-get", id=0, gpu=0, attr_name="gpu")


@test("types of one GPU and of all")
def _():
    every = nl.dump("type-get")
    gpus = [g["index"] for g in nl.dump("gpu-get")]
    assert [t["gpu"] for t in every] == sorted(t["gpu"] for t in every)
    assert set(t["gpu"] for t in every) == set(gpus)
    assert nl.dump("type-get", gpu=gpus[-1]) == [t for t in every if t["gpu"] == gpus[-1]]
    assert all(set(t) == set(A["type"]) - {"pad"} for t in every)


# ---- creating -----------------------------------------------------------------------

@test("bad creations are refused and leave nothing")
def _():
    before = nl.do("gpu-get", index=0)
    for bad, err, name in (
            (dict(type="nonsense"), errno.ENOENT, "type"),
            (dict(type=""), errno.ENOENT, "type"),
            (dict(type="x" * 32), (errno.EINVAL, errno.ERANGE), "type"),
            (dict(type=SMALL.encode()), (errno.EINVAL, errno.ERANGE), "type"),
            (dict(weight=0), errno.ERANGE, "weight"),
            (dict(weight=10001), errno.ERANGE, "weight"),
            (dict(priority=8), errno.ERANGE, "priority"),
            (dict(uuid=b"\0" * 16), errno.EINVAL, "uuid"),
            (dict(uuid=b"a" * 15), (errno.EINVAL, errno.ERANGE), "uuid"),
            (dict(uuid=b"a" * 17), (errno.EINVAL, errno.ERANGE), "uuid"),
            (dict(bandwidth_mbps=b"\0" * 4), (errno.EINVAL, errno.ERANGE), "bandwidth-mbps")):
        refused(err, nl.do, "vgpu-create", **{"gpu": 0, "type": SMALL, **bad}, attr_name=name)
    after = nl.do("gpu-get", index=0)
    assert before["instances"] == after["instances"] and before["vram-committed"] == after["vram-committed"]


@test("a creation does what it was asked")
def _():
    u = uuid.uuid4().bytes
    r = nl.do("vgpu-create", gpu=0, type=SMALL, uuid=u, weight=321, priority=6, bandwidth_mbps=77)
    try:
        assert r["uuid"] == u
        v = nl.do("vgpu-get", id=r["id"])
        assert (v["weight"], v["priority"], v["bandwidth-mbps"], v["uuid"]) == (321, 6, 77, u), v
        refused(errno.EEXIST, nl.do, "vgpu-create", gpu=0, type=SMALL, uuid=u, attr_name="uuid")
    finally:
        nl.do("vgpu-destroy", uuid=u)
    refused(errno.ENODEV, nl.do, "vgpu-get", id=r["id"])


@test("what does not fit is refused, and fits again afterwards")
def _():
    ids = []
    try:
        for _i in range(100):
            ids.append(nl.do("vgpu-create", gpu=0, type=SMALL)["id"])
    except Refused as r:
        assert r.err == errno.ENOSPC and r.attr == "type" and SMALL in r.text, r
    assert 1 <= len(ids) < 100
    t = [t for t in nl.dump("type-get", gpu=0) if t["name"] == SMALL][0]
    assert t["available"] == 0
    for i in ids:
        nl.do("vgpu-destroy", id=i)
    t = [t for t in nl.dump("type-get", gpu=0) if t["name"] == SMALL][0]
    assert t["available"] == len(ids)


# ---- the life of a vGPU -----------------------------------------------------------------

@test("verbs move it, and illegal moves are refused with a sentence")
def _():
    start, pause, resume, stop = 1, 2, 3, 4
    with Vgpu() as i:
        def state():
            return SPECS.enums["nl-state"][nl.do("vgpu-get", id=i)["state"]]
        for bad in (0, 5, 0xffffffff):
            refused(errno.ERANGE, nl.do, "vgpu-verb", id=i, verb=bad, attr_name="verb")
        refused(errno.EINVAL, nl.do, "vgpu-verb", id=i, missing="verb")
        refused(errno.EBUSY, nl.do, "vgpu-verb", id=i, verb=pause, text="it is created")
        refused(errno.EBUSY, nl.do, "vgpu-verb", id=i, verb=resume)
        assert state() == "created"
        for verb, then in ((start, "running"), (pause, "paused"), (resume, "running"), (pause, "paused"),
                           (stop, "stopped"), (start, "running"), (stop, "stopped")):
            nl.do("vgpu-verb", id=i, verb=verb)
            assert state() == then, (verb, state())
        refused(errno.EBUSY, nl.do, "vgpu-verb", id=i, verb=pause, text="it is stopped")


@test("quotas are set all or none")
def _():
    with Vgpu() as i:
        refused(errno.EINVAL, nl.do, "vgpu-set", id=i, text="nothing to set")
        nl.do("vgpu-set", id=i, weight=5, priority=1, bandwidth_mbps=9, vram_limit=1 << 20)
        v = nl.do("vgpu-get", id=i)
        assert (v["weight"], v["priority"], v["bandwidth-mbps"], v["vram-limit"]) == (5, 1, 9, 1 << 20), v
        for much in (1 << 30, 1 << 50):
            refused((errno.ENOSPC, errno.ERANGE), nl.do, "vgpu-set", id=i, weight=6, vram_limit=much,
                    attr_name="vram-limit")
        refused(errno.ERANGE, nl.do, "vgpu-set", id=i, weight=0, attr_name="weight")
        refused(errno.ERANGE, nl.do, "vgpu-set", id=i, vram_limit=0, attr_name="vram-limit")
        assert nl.do("vgpu-get", id=i)["weight"] == 5, "a refused set changed something"
        nl.do("vgpu-set", id=i, bandwidth_mbps=0)
        assert nl.do("vgpu-get", id=i)["bandwidth-mbps"] == 0


@test("a GPU's settings are set all or none")
def _():
    old = nl.do("gpu-get", index=0)
    refused(errno.EINVAL, nl.do, "gpu-set", index=0, text="nothing to set")
    refused(errno.ENOENT, nl.do, "gpu-set", index=0, policy="nonsense", slice_ns=3000000, attr_name="policy")
    refused(errno.ERANGE, nl.do, "gpu-set", index=0, policy="rr", slice_ns=1, attr_name="slice-ns")
    refused(errno.ERANGE, nl.do, "gpu-set", index=0, slice_ns=1 << 62, attr_name="slice-ns")
    refused((errno.EINVAL, errno.ERANGE), nl.do, "gpu-set", index=0, policy="x" * 16, attr_name="policy")
    now = nl.do("gpu-get", index=0)
    assert (now["policy"], now["slice-ns"]) == (old["policy"], old["slice-ns"]), "half done"
    nl.do("gpu-set", index=0, policy="rr", slice_ns=3000000)
    now = nl.do("gpu-get", index=0)
    assert (now["policy"], now["slice-ns"]) == ("rr", 3000000)
    nl.do("gpu-set", index=0, policy=old["policy"], slice_ns=old["slice-ns"])


@test("memory: a map that adds up, runs, and settings that are refused as a whole")
def _():
    old = nl.do("gpu-get", index=0)
    assert (old["defrag-threshold"], old["defrag-interval"]) == (300, 300), old
    refused(errno.ERANGE, nl.do, "gpu-set", index=0, defrag_threshold=1001, attr_name="defrag-threshold")
    refused(errno.ERANGE, nl.do, "gpu-set", index=0, defrag_interval=86401, attr_name="defrag-interval")
    assert old["read-ahead"] == 8, old
    refused(errno.ERANGE, nl.do, "gpu-set", index=0, read_ahead=33, attr_name="read-ahead")
    refused(errno.ENOENT, nl.do, "gpu-set", index=0, defrag_interval=5, read_ahead=3, policy="nonsense", attr_name="policy")
    now = nl.do("gpu-get", index=0)
    assert (now["defrag-interval"], now["read-ahead"]) == (300, 8), "half done"
    nl.do("gpu-set", index=0, read_ahead=0)
    assert nl.do("gpu-get", index=0)["read-ahead"] == 0
    nl.do("gpu-set", index=0, read_ahead=8)
    assert old["tier-limit"] > 1 << 20, "a quarter of the memory"
    refused(errno.ENOENT, nl.do, "gpu-set", index=0, tier_limit=5 << 20, policy="nonsense", attr_name="policy")
    assert nl.do("gpu-get", index=0)["tier-limit"] == old["tier-limit"], "half done"
    nl.do("gpu-set", index=0, tier_limit=0)
    assert nl.do("gpu-get", index=0)["tier-limit"] == 0
    nl.do("gpu-set", index=0, tier_limit=old["tier-limit"])
    refused(errno.EINVAL, nl.do, "mem-map-get", missing="index")
    refused(errno.ENODEV, nl.do, "mem-map-get", index=77)
    refused(errno.EINVAL, nl.do, "gpu-defrag", missing="index")
    got = nl.do("mem-map-get", index=0)
    assert got["total"] == sum(got["use"]) == old["vram-bytes"], got
    assert len(got["cell"]) == -(-got["total"] // got["cell-bytes"]) <= 256, got
    runs = now["defrag"]["runs"]
    nl.do("gpu-defrag", index=0)
    for _ in range(100):
        now = nl.do("gpu-get", index=0)["defrag"]
        if not now["running"]:
            break
        time.sleep(0.1)
    assert now["runs"] == runs + 1 and not now["running"], now


@test("a governor is set by name, leaves what was set by hand, and refusals say why")
def _():
    def shape():
        g = nl.do("gpu-get", index=0)
        return g["governor"], g.get("mode"), g["slice-ns"], g["own-slice-ns"], g["threshold-ns"]

    modes = SPECS.enums["nl-gov-mode"]
    old = nl.do("gpu-get", index=0)
    nl.do("gpu-set", index=0, slice_ns=0, governor="off")
    off = ("off", None, 2000000, 0, 0)
    assert shape() == off, shape()
    try:
        for name, slice_ns, threshold in (("emergency", 8000000, 4000000), ("performance", 1000000, 0),
                                          ("balanced", 2000000, 250000), ("power-save", 4000000, 2000000)):
            nl.do("gpu-set", index=0, governor=name)
            got = shape()
            assert got[0] == name and modes[got[1]] == name and got[2:] == (slice_ns, 0, threshold), got
        nl.do("gpu-set", index=0, slice_ns=600000)
        assert shape()[2:] == (600000, 600000, 300000), shape()
        was = shape()
        for bad, err, name, text in (
                (dict(governor="turbo"), errno.ENOENT, "governor", "off, auto, emergency"),
                (dict(governor=""), errno.ENOENT, "governor", "power-save"),
                (dict(governor="x" * 16), (errno.EINVAL, errno.ERANGE), "governor", ""),
                (dict(governor="off", slice_ns=99999), errno.ERANGE, "slice-ns", "100000 to 100000000"),
                (dict(governor="off", policy="nonsense"), errno.ENOENT, "policy", "no policy"),
                (dict(governor="off", preempt_timeout_ns=1), errno.ERANGE, "preempt-timeout-ns", "out of range"),
                (dict(governor="off", slice_ns=(1 << 64) - 1), errno.ERANGE, "slice-ns", "out of range")):
            refused(err, nl.do, "gpu-set", **{"index": 0, "slice_ns": 700000, **bad}, attr_name=name, text=text)
            assert shape() == was, f"{bad}: half done: {shape()}"
        refused(errno.EINVAL, nl.do, "gpu-set", index=0, mode=1, attr_name="mode")
        refused(errno.EINVAL, nl.do, "gpu-set", index=0, threshold_ns=1, attr_name="threshold-ns")
        nl.do("gpu-set", index=0, slice_ns=0, governor="auto")
        got = shape()
        assert got[0] == "auto" and modes[got[1]] == "balanced" and got[2:] == (2000000, 0, 250000), got
        figures = nl.do("gpu-get", index=0)["governor-figures"]
        assert [modes[m["mode"]] for m in figures["mode"]] == modes, figures
        assert all(m["entered"] for m in figures["mode"]), figures
    finally:
        nl.do("gpu-set", index=0, slice_ns=old["own-slice-ns"], governor="off")


def settings(i):
    v = nl.do("vgpu-get", id=i)
    return tuple(v.get(k) for k in ("weight", "priority", "cap", "own-slice-ns", "group", "group-weight"))


@test("cap, slice and group are set live, all or none, and refusals say why")
def _():
    with Vgpu(start=True) as i:
        new = settings(i)
        assert new[2:] == (0, 0, None, None), new
        nl.do("vgpu-set", id=i, cap=2500, own_slice_ns=500000, group="acme", group_weight=300)
        was = settings(i)
        assert was == new[:2] + (2500, 500000, "acme", 300), was
        assert nl.do("vgpu-get", id=i)["slice-ns"] == 500000
        for bad, err, name, text in (
                (dict(cap=10001), errno.ERANGE, "cap", ""),
                (dict(own_slice_ns=99999), errno.ERANGE, "own-slice-ns", "100000 to 100000000"),
                (dict(own_slice_ns=100000001), errno.ERANGE, "own-slice-ns", "out of range"),
                (dict(group="two words"), errno.EINVAL, "group", "letters"),
                (dict(group="x" * 32), (errno.EINVAL, errno.ERANGE), "group", ""),
                (dict(group_weight=0), errno.ERANGE, "group-weight", ""),
                (dict(group="none", group_weight=5), errno.EINVAL, "group-weight", "in no group"),
                (dict(vram_limit=1 << 50), (errno.ERANGE, errno.ENOSPC), "vram-limit", "")):
            refused(err, nl.do, "vgpu-set", **{"id": i, "weight": 9, "cap": 1, "group": "other", **bad},
                    attr_name=name, text=text)
            assert settings(i) == was, f"{bad}: half done: {settings(i)}"
        nl.do("vgpu-set", id=i, cap=0, own_slice_ns=0, group="none")
        assert settings(i) == new
        refused(errno.EINVAL, nl.do, "vgpu-set", id=i, group_weight=5, text="in no group")


@test("a group has one weight for all members, and goes with the last")
def _():
    with Vgpu() as i, Vgpu() as j:
        nl.do("vgpu-set", id=i, group="acme", group_weight=700)
        nl.do("vgpu-set", id=j, group="acme")
        assert settings(j)[4:] == ("acme", 700)
        nl.do("vgpu-set", id=j, group_weight=30)
        assert settings(i)[4:] == ("acme", 30)
        nl.do("vgpu-set", id=i, group="none")
        nl.do("vgpu-set", id=j, group="")
        assert settings(j)[4:] == (None, None)
        nl.do("vgpu-set", id=i, group="acme")
        assert settings(i)[4:] == ("acme", 100), "the old one's weight came back"


@test("caps past 100 % are refused by cap and by policy, and nothing is half done")
def _():
    old = nl.do("gpu-get", index=0)
    with Vgpu() as i, Vgpu() as j:
        try:
            nl.do("vgpu-set", id=i, cap=7000, group="acme")
            nl.do("vgpu-set", id=j, cap=7000)
            for policy in ("fixed", "burst"):
                refused(errno.ENOSPC, nl.do, "gpu-set", index=0, policy=policy, slice_ns=3000000,
                        attr_name="policy", text="140.00 %")
            now = nl.do("gpu-get", index=0)
            assert (now["policy"], now["slice-ns"]) == (old["policy"], old["slice-ns"]), "half done"
            nl.do("vgpu-set", id=j, cap=3000)
            nl.do("gpu-set", index=0, policy="fixed")
            refused(errno.ENOSPC, nl.do, "vgpu-set", id=j, cap=3001, weight=3, attr_name="cap", text="100.01 %")
            assert settings(j)[:1] + settings(j)[2:3] == (nl.do("vgpu-get", id=i)["weight"], 3000)
            nl.do("vgpu-set", id=i, group="none")
            nl.do("vgpu-set", id=i, group="acme", cap=6999)
            nl.do("vgpu-set", id=j, cap=3001)
        finally:
            nl.do("gpu-set", index=0, policy=old["policy"])
    refused(errno.ENOENT, nl.do, "gpu-set", index=0, policy="nonsense", text="rr,fair,prio,mlfq,fixed,burst")


@test("with units of its own it keeps its settings, and brings its cap back")
def _():
    old = nl.do("gpu-get", index=0)
    with Vgpu() as i, Vgpu() as j:
        try:
            nl.do("vgpu-set", id=i, cap=7000, own_slice_ns=500000, group="acme", group_weight=300)
            was = settings(i)
            nl.do("gpu-set", index=0, policy="fixed")
            nl.do("vgpu-set", id=i, own_units=1)
            assert settings(i) == was and nl.do("vgpu-get", id=i)["slice-ns"] == 500000
            units = [s["units"] for s in nl.dump("sched-get", gpu=0) if "units" in s]
            assert units[0] == old["units"] - 1 and sum(units) == old["units"] * old["engines"], units
            nl.do("vgpu-set", id=j, cap=6000)
            refused(errno.ENOSPC, nl.do, "vgpu-set", id=i, own_units=0, weight=9, own_slice_ns=0,
                    attr_name="own-units", text="130.00 %")
            assert settings(i) == was and nl.do("vgpu-get", id=i)["own-units"] == 1
            nl.do("gpu-set", index=0, policy="fair")
            nl.do("vgpu-set", id=i, own_units=0)
            assert settings(i) == was and nl.do("vgpu-get", id=i)["own-units"] == 0
            refused(errno.ENOSPC, nl.do, "gpu-set", index=0, policy="fixed", text="130.00 %")
            refused(errno.ERANGE, nl.do, "vgpu-set", id=i, own_units=old["units"] + 1, cap=1,
                    attr_name="own-units", text="out of range")
            refused(errno.ENOSPC, nl.do, "vgpu-set", id=i, own_units=old["units"], cap=1,
                    attr_name="own-units", text="not so many units")
            nl.do("vgpu-verb", id=i, verb=1)
            refused(errno.EBUSY, nl.do, "vgpu-set", id=i, own_units=1, cap=1,
                    attr_name="own-units", text="is running")
            assert settings(i) == was
        finally:
            nl.do("gpu-set", index=0, policy=old["policy"])


@test("the scheduler's figures: engines, then vGPUs, of one GPU or all")
def _():
    gpus = nl.dump("gpu-get")
    with Vgpu() as i, Vgpu(gpu=1) as j:
        every = nl.dump("sched-get")
        assert sum("engine" in s for s in every) == sum(len(g["engine"]) for g in gpus)
        assert {s["vgpu"] for s in every if "vgpu" in s} == {i, j}
        one = nl.dump("sched-get", gpu=1)
        assert [s.get("vgpu") for s in one] == [None] * len(gpus[1]["engine"]) + [j], one
        assert [s["units"] for s in one[:-1]] == [e["units"] for e in gpus[1]["engine"]], one
        assert one == [s for s in nl.dump("sched-get") if s["gpu"] == 1] or one[0]["idle-ns"]
        engine, vgpu = one[0], one[-1]
        assert engine["policy"] == gpus[1]["policy"] and engine["ejections"] == 0, engine
        assert vgpu["wake"]["count"] == 0 and "bucket" not in vgpu["wake"], vgpu
        nl.do("gpu-set", index=1, policy="mlfq")
        try:
            names = [f["name"] for f in nl.dump("sched-get", gpu=1)[0]["figure"]]
            assert "level0_queued" in names and "promotions" in names, names
        finally:
            nl.do("gpu-set", index=1, policy=gpus[1]["policy"])
    refused(errno.ENODEV, nl.dump, "sched-get", gpu=77, text="no GPU 77")


@test("a history is asked for by GPU and number")
def _():
    refused(errno.EINVAL, nl.dump, "history-get", text="say which GPU")
    refused(errno.ENODEV, nl.dump, "history-get", gpu=77, text="no GPU 77")
    refused(errno.EINVAL, nl.dump, "history-get", gpu=0, seq=1, attr_name="seq")
    for n in (0, 4, 7, 9):
        refused((errno.ERANGE, errno.EINVAL), nl.dump, "history-get", gpu=0, **{"from": b"\0" * n}, attr_name="from")
    for first in (0, 1, 1 << 32, (1 << 64) - 1):
        seqs = [s["seq"] for s in nl.dump("history-get", gpu=0, **{"from": first})]
        assert seqs == sorted(set(seqs)) and all(s >= first for s in seqs), (first, seqs)


@test("the monitor's settings: all or nothing, and each has its range")
def _():
    names = ["monitor-period", "anomalies"] + ["limit-" + f for f in ("busy", "memory", "bandwidth", "overhead", "wait", "commands")]
    for knob in ("slice", "threshold", "batch", "pool"):
        names += [f"tune-{knob}", f"tune-{knob}-min", f"tune-{knob}-max"]
    old = nl.do("gpu-get", index=0)

    def now():
        g = nl.do("gpu-get", index=0)
        return [g[n] for n in names + ["slice-ns", "threshold-ns", "batch", "pool-most"]]
    was = now()
    try:
        for args, errs, blamed, words in (
                (dict(monitor_period=49), errno.ERANGE, None, "50 to 3600000"),
                (dict(monitor_period=3600001), errno.ERANGE, None, "50 to 3600000"),
                (dict(anomalies=2), (errno.ERANGE, errno.EINVAL), "anomalies", ""),
                (dict(tune_slice=3), (errno.ERANGE, errno.EINVAL), "tune-slice", ""),
                (dict(tune_slice_min=99999), errno.ERANGE, None, "tune-slice"),
                (dict(tune_slice_max=100000001), errno.ERANGE, None, "tune-slice"),
                (dict(tune_slice_min=3000000, tune_slice_max=2999999), errno.ERANGE, None, "tune-slice"),
                (dict(tune_batch_max=(1 << 64) - 1), errno.ERANGE, None, "tune-batch"),
                (dict(tune_pool_min=3), errno.ERANGE, None, "tune-pool"),
                (dict(tune_threshold_max=50000001), errno.ERANGE, None, "tune-threshold"),
                (dict(batch=50), errno.EINVAL, "batch", ""),
                (dict(monitor_period=100, limit_busy=1, tune_slice=2, policy="nonsense"), errno.ENOENT, "policy", "no policy")):
            refused(errs, nl.do, "gpu-set", index=0, **args, text=words or None, attr_name=blamed)
            assert now() == was, args
        nl.do("gpu-set", index=0, monitor_period=0, limit_wait=(1 << 64) - 1, limit_busy=1, anomalies=1, tune_slice=1,
              tune_batch=2, tune_pool=2, tune_pool_min=4, tune_slice_min=100000, tune_slice_max=100000)
        g = nl.do("gpu-get", index=0)
        assert (g["monitor-period"], g["limit-wait"], g["tune-slice"], g["tune-pool-min"], g["batch"]) == (0, (1 << 64) - 1, 1, 4, 100), g
        # to be tuned is not to be changed
        assert now()[-4:] == was[-4:], now()
    finally:
        nl.do("gpu-set", index=0, **{n.replace("-", "_"): old[n] for n in names})
    assert now() == was


@test("settings change while vGPUs come and go")
def _():
    old, stop, wrong = nl.do("gpu-get", index=0), threading.Event(), []

    def churn(seed):
        mine, rnd = Genl(), random.Random(seed)
        while not stop.is_set():
            try:
                i = mine.do("vgpu-create", gpu=0, type=SMALL)["id"]
                for _i in range(rnd.randrange(4)):
                    mine.do("vgpu-set", id=i, group=rnd.choice(["a", "b", "none"]), cap=rnd.randrange(500),
                            own_slice_ns=rnd.choice([0, 200000]), weight=rnd.randrange(1, 999))
                try:
                    mine.do("vgpu-set", id=i, own_units=rnd.randrange(2), group=rnd.choice(["a", "none"]))
                except Refused as r:    # others have all units, or engines
                    if r.err != errno.ENOSPC or not r.text:
                        wrong.append(str(r))
                mine.do("vgpu-destroy", id=i)
            except Refused as r:
                if r.err not in (errno.ENOSPC,):
                    wrong.append(str(r))

    def others(seed):
        mine, rnd = Genl(), random.Random(seed)
        while not stop.is_set():
            for v in mine.dump("vgpu-get", gpu=0):
                try:
                    mine.do("vgpu-set", id=v["id"], group=rnd.choice(["a", "c", "none"]), cap=rnd.randrange(500),
                            **({} if rnd.randrange(4) else {"own_units": rnd.randrange(2)}))
                except Refused as r:
                    if r.err not in (errno.ENODEV, errno.ENOSPC) or not r.text:
                        wrong.append(str(r))

    threads = [threading.Thread(target=churn, args=(1,)), threading.Thread(target=churn, args=(2,)),
               threading.Thread(target=others, args=(3,))]
    for t in threads:
        t.start()
    for n in range(60):
        nl.do("gpu-set", index=0, policy=("fair", "fixed", "rr", "burst", "mlfq", "prio")[n % 6])
        nl.dump("sched-get", gpu=0)
    stop.set()
    for t in threads:
        t.join()
    for v in nl.dump("vgpu-get", gpu=0):
        nl.do("vgpu-destroy", id=v["id"])
    nl.do("gpu-set", index=0, policy=old["policy"])
    assert not wrong, wrong[:3]


@test("one that is held is not destroyed, and the holder is named")
def _():
    with Vgpu(start=True) as i:
        node = os.open(f"/dev/vgpu/v{i}", os.O_RDWR)
        try:
            comm = open("/proc/self/comm", encoding="utf-8").read().strip()
            refused(errno.EBUSY, nl.do, "vgpu-destroy", id=i, text=f"held by PID {os.getpid()} ({comm})")
            v = nl.do("vgpu-get", id=i)
            assert (v["clients"], v["holder-pid"], v["holder"]) == (1, os.getpid(), comm), v
            other = os.open(f"/dev/vgpu/v{i}", os.O_RDWR)
            refused(errno.EBUSY, nl.do, "vgpu-destroy", id=i, text="and 1 more")
            os.close(other)
        finally:
            os.close(node)


# ---- events -----------------------------------------------------------------------------------

@test("events come in order, numbered without gaps")
def _():
    ear = Genl()
    ear.join("lifecycle")
    u = uuid.uuid4().bytes
    i = nl.do("vgpu-create", gpu=0, type=SMALL, uuid=u)["id"]
    for verb in (1, 2, 3, 4):
        nl.do("vgpu-verb", id=i, verb=verb)
    nl.do("vgpu-set", id=i, weight=2)
    nl.do("vgpu-destroy", id=i)
    names, states = SPECS.enums["nl-event"], SPECS.enums["nl-state"]
    got = []
    for op, ev in ear.events(20, timeout=2):
        assert op == "lifecycle-ntf"
        # the end of a vGPU of before may be told only now
        if not got and ev.get("uuid") != u:
            continue
        assert ev["gpu"] == 0 and ev["vgpu"] == i and ev["uuid"] == u, ev
        name = names[ev["event"]]
        got.append(name + (":" + states[ev["state"]] if name == "state" else ""))
        if len(got) > 1:
            assert ev["seq"] == seq + 1, "a gap"
            assert ev["time-ns"] >= last
        seq, last = ev["seq"], ev["time-ns"]
    want = ["created", "state:running", "state:paused", "state:running", "state:stopped", "set", "destroyed"]
    assert [g for g in got if g != "state:dead"] == want, got
    ear.close()


@test("a policy change is an event of the GPU alone")
def _():
    ear = Genl()
    ear.join("lifecycle")
    old = nl.do("gpu-get", index=1)["slice-ns"]
    nl.do("gpu-set", index=1, slice_ns=4000000)
    nl.do("gpu-set", index=1, slice_ns=old)
    got = ear.events(2, timeout=3)
    assert [SPECS.enums["nl-event"][ev["event"]] for _, ev in got] == ["policy", "policy"], got
    assert all(ev["gpu"] == 1 and "vgpu" not in ev for _, ev in got), got
    ear.close()


@test("a quota that is hit is an event with the bytes")
def _():
    ear = Genl()
    ear.join("quota")
    with Vgpu(start=True) as i:
        limit = nl.do("vgpu-get", id=i)["vram-limit"]
        node = os.open(f"/dev/vgpu/v{i}", os.O_RDWR)
        bo = bytearray(struct.pack("=IIQQIIQQII", 56, 0, limit * 2, 0, 0, 0, 0, 0, 0, 0))
        libc = ctypes.CDLL(None, use_errno=True)
        buf = (ctypes.c_char * len(bo)).from_buffer(bo)
        assert libc.ioctl(node, 0x7682, buf) == -1
        assert ctypes.get_errno() in (errno.EDQUOT, errno.ENOSPC, errno.EINVAL), ctypes.get_errno()
        got = ear.events(1, timeout=3)
        assert got and got[0][0] == "quota-ntf", got
        ev = got[0][1]
        assert ev["vgpu"] == i and ev["bytes"] >= limit, ev
        assert nl.do("vgpu-get", id=i)["vram-denied"] >= 1
        os.close(node)
    ear.close()


@test("memory that a program lends is a figure of the vGPU")
def _():
    with Vgpu(start=True) as i:
        node = os.open(f"/dev/vgpu/v{i}", os.O_RDWR)
        page = mmap.mmap(-1, 3 * 4096)
        at = ctypes.addressof(ctypes.c_char.from_buffer(page))
        arg = (ctypes.c_char * 32).from_buffer(bytearray(struct.pack("=IIQQII", 32, 0, at, 2 * 4096, 0, 0)))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.ioctl(node, 0x7690, arg) == 0, ctypes.get_errno()
        assert nl.do("vgpu-get", id=i)["pinned-bytes"] == 2 * 4096
        os.close(node)
        assert nl.do("vgpu-get", id=i)["pinned-bytes"] == 0


# ---- many --------------------------------------------------------------------------------------

@test("a dump of 64 shows each once, with the smallest of buffers")
def _():
    ids = [nl.do("vgpu-create", gpu=g, type=SMALL)["id"] for g in range(8) for _ in range(8)]
    try:
        for size in (4096, 65536):
            stats = {}
            reader = Genl(size)
            got = [v["id"] for v in reader.dump("vgpu-get", stats=stats)]
            assert got == sorted(ids), got
            assert not stats["interrupted"]
            some = reader.dump("vgpu-get", gpu=5)
            assert len(some) == 8 and all(v["gpu"] == 5 for v in some)
            reader.close()
        few = Genl(4096)
        seq = few.send(few.family, SPECS.ops["vgpu-get"], b"", F_DUMP)
        few.sock.recv(4096)
        few.close()   # a dump that nobody reads to the end
        assert seq
    finally:
        for i in ids:
            nl.do("vgpu-destroy", id=i)
    assert not nl.dump("vgpu-get")


@test("a dump while others come and go keeps those that stay")
def _():
    stay = [nl.do("vgpu-create", gpu=g, type=SMALL)["id"] for g in range(4) for _ in range(4)]
    stop = threading.Event()
    trouble = []

    def churn():
        mine = Genl()
        try:
            while not stop.is_set():
                i = mine.do("vgpu-create", gpu=6, type=SMALL)["id"]
                mine.do("vgpu-destroy", id=i)
        except Refused as r:
            trouble.append(r)

    # the kernel fills what the reader's largest buffer so far would take
    reader = Genl(4096)
    t = threading.Thread(target=churn)
    t.start()
    try:
        interrupted = 0
        for _i in range(60):
            stats = {}
            got = [v["id"] for v in reader.dump("vgpu-get", stats=stats)]
            assert set(stay) <= set(got) and len(got) == len(set(got)), got
            interrupted += stats["interrupted"]
        print(f"# {interrupted} of 60 dumps were marked as interrupted")
    finally:
        stop.set()
        t.join()
        for i in stay:
            nl.do("vgpu-destroy", id=i)
    assert not trouble, trouble


# ---- who may ----------------------------------------------------------------------------------

CHANGES = (("gpu-set", dict(index=0, policy="rr")),
           ("vgpu-create", dict(gpu=0, type=SMALL)),
           ("vgpu-destroy", dict(id=0)),
           ("vgpu-verb", dict(id=0, verb=1)),
           ("vgpu-set", dict(id=0, weight=1)))


@test("without privileges nothing changes")
def _():
    def child():
        mine = Genl()
        for op, args in CHANGES:
            refused(errno.EPERM, mine.do, op, **args, text="CAP_SYS_ADMIN")
    with Vgpu():
        as_somebody(child)


@test("a root's socket in other hands does not help")
def _():
    def child():
        for op, args in CHANGES:
            refused(errno.EPERM, nl.do, op, **args)
    with Vgpu():
        as_somebody(child)


@test("without privileges there are no figures of others")
def _():
    public = {"id", "uuid", "gpu", "type", "state", "flags"}
    with Vgpu(start=True) as i:
        def child():
            mine = Genl()
            assert set(mine.do("vgpu-get", id=i)) == public
            assert all(set(v) == public for v in mine.dump("vgpu-get"))
            for g in [mine.do("gpu-get", index=0)] + mine.dump("gpu-get"):
                assert not {"vram", "engine", "vram-committed", "monitor-period", "tune-slice"} & set(g), g
            assert mine.dump("type-get")
            refused(errno.EPERM, mine.dump, "sched-get", text="CAP_SYS_ADMIN")
            refused(errno.EPERM, mine.dump, "history-get", gpu=0, text="CAP_SYS_ADMIN")
        as_somebody(child)


@test("without privileges only lifecycle events")
def _():
    def child():
        mine = Genl()
        mine.join("lifecycle")
        for group in ("quota", "health", "performance"):
            try:
                mine.join(group)
                raise AssertionError(f"may listen to {group}")
            except PermissionError:
                pass
    as_somebody(child)


@test("root of a user namespace changes nothing")
def _():
    here = os.path.dirname(os.path.abspath(__file__))
    code = ("import sys; sys.path.insert(0, %r); from genl import *\n"
            "n = Genl()\n"
            "try:\n n.do('gpu-set', index=0, policy='rr'); sys.exit('changed it')\n"
            "except Refused as r:\n sys.exit(0 if r.err == 1 else str(r))\n") % here
    r = subprocess.run(["unshare", "-Ur", sys.executable, "-c", code], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


@test("another network namespace has no such family")
def _():
    here = os.path.dirname(os.path.abspath(__file__))
    code = ("import sys; sys.path.insert(0, %r); from genl import *\n"
            "try:\n Genl(); sys.exit('it has')\n"
            "except Refused as r:\n sys.exit(0 if r.err == 2 else str(r))\n") % here
    r = subprocess.run(["unshare", "-n", sys.executable, "-c", code], capture_output=True, text=True)
    assert r.returncode == 0, r.stderr


# ---- noise ----------------------------------------------------------------------------------------

@test("3000 broken messages, and it still answers")
def _():
    seed = int(os.environ.get("SEED", "1"))
    print(f"# SEED={seed}")
    rnd = random.Random(seed)
    noisy = Genl()
    ops = [n for o, n in SPECS.ops.items() if o not in ("vgpu-create",)]
    good = [encode("vgpu", id=0, uuid=b"u" * 16, gpu=0, type=SMALL, weight=5, priority=1),
            encode("gpu", index=0, policy="fair", slice_ns=2000000), encode("vgpu", id=0, verb=1)]
    refusals = 0
    for _i in range(3000):
        body = bytearray(rnd.choice(good))
        for _j in range(rnd.randrange(1, 6)):
            body[rnd.randrange(len(body))] = rnd.randrange(256)
        if rnd.random() < 0.3:
            body = body[:rnd.randrange(len(body))]
        dump = rnd.random() < 0.2
        seq = noisy.send(noisy.family, rnd.choice(ops), bytes(body), F_DUMP if dump else 4)
        try:
            noisy.receive(seq, None, dump)
        except Refused:
            refusals += 1
        except (AssertionError, struct.error, KeyError) as e:
            raise AssertionError(f"after {body.hex()}") from e
    print(f"# {refusals} of 3000 were refused")
    assert nl.do("gpu-get", index=0)["index"] == 0
    assert not nl.dump("vgpu-get")


sys.exit(run())
