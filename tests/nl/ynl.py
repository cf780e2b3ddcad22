#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The description with the kernel's own tools (tools/net/ynl): they read it, talk
to the family with it, and give the same numbers as our generator.

	tests/nl/ynl.py YNL	folder tools/net/ynl of a kernel's source

One process for all of it: to read the description takes seconds in an emulated
machine.
"""
import os
import subprocess
import sys
import tempfile
import traceback

if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from lib import SpecFamily, YnlFamily  # noqa: E402

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
SPEC = os.path.join(TOP, "Documentation/netlink/specs/vgpu.yaml")
count = 0


def t(what, ask):
    """One result; what ask gives is wanted to be true."""
    global count
    count += 1
    try:
        said = None if ask() else "not so"
    except Exception:
        said = traceback.format_exc()
    print(f"{'not ok' if said else 'ok'} {count} - {what}", flush=True)
    for line in (said or "").splitlines()[-20:]:
        print("# " + line)


def numbers():
    """The kernel's library numbers everything as our generator did, as C sees it."""
    spec = SpecFamily(SPEC, "")
    lines = []

    def same(name, value):
        name = name.replace("-", "_").upper()
        lines.append(f'_Static_assert({name} == {value}, "{name}");')
    for s in spec.attr_sets.values():
        for a in s.attrs.values():
            same(f"vgpu-a-{s.name}-{a.name}", a.value)
    for o in spec.msgs.values():
        same(f"vgpu-nl-cmd-{o.name}", o.value)
    with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
        f.write("#include <linux/vgpu_netlink.h>\n" + "\n".join(lines) + "\n")
        f.flush()
        r = subprocess.run(["gcc", f"-I{TOP}/include/uapi", "-fsyntax-only", f.name], check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode:
        raise ValueError(r.stdout)
    return len(lines) > 50


print("TAP version 13")
t("the same numbers as ours", numbers)
y = YnlFamily(SPEC, "")
got = {}


def keep(name, value):
    got[name] = value
    return value


t("gpu-get, one", lambda: (lambda j: j["index"] == 0 and j["driver"] == "vgpu_soft" and "mmu" in j["caps"])(
    y.do("gpu-get", {"index": 0})))
t("gpu-get, all", lambda: (lambda j: len(j) >= 1 and j[0]["engine"][0]["index"] == 0 and j[0]["vram"]["total"])(
    y.dump("gpu-get", {})))
t("type-get", lambda: keep("types", y.dump("type-get", {})) and all(x["available"] for x in got["types"]))
t("vgpu-create", lambda: "id" in keep("vgpu", y.do("vgpu-create", {"gpu": 0, "type": got["types"][0]["name"]})))
t("vgpu-verb", lambda: y.do("vgpu-verb", {"id": got["vgpu"]["id"], "verb": 1}) is None or True)
t("vgpu-set", lambda: y.do("vgpu-set", {"id": got["vgpu"]["id"], "weight": 33}) is None or True)
t("vgpu-get", lambda: (lambda j: j["state"] == "running" and j["weight"] == 33)(
    y.do("vgpu-get", {"id": got["vgpu"]["id"]})))
t("vgpu-destroy", lambda: y.do("vgpu-destroy", {"id": got["vgpu"]["id"]}) is None or True)
t("vgpu-get, all", lambda: y.dump("vgpu-get", {}) == [])
print(f"1..{count}")
