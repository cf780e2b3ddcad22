#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The description with the kernel's own tools (tools/net/ynl): they read it,
# talk to the family with it, and give the same numbers as our generator.
#
#	tests/nl/ynl.sh YNL	folder tools/net/ynl of a kernel's source
set -u

ynl=${1:?folder tools/net/ynl}
top=$(cd "$(dirname "$0")/../.." && pwd)
spec=$top/Documentation/netlink/specs/vgpu.yaml
py=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

n=0
t() {
	local what=$1; shift
	n=$((n + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$work/log" | head -20
	fi
}
cli() { "$py" "$ynl/cli.py" --no-schema --spec "$spec" --output-json "$@" >"$work/out"; }
is() { # expression over the answer (j), arguments of the tool
	local expression=$1; shift
	cli "$@" && "$py" -c 'import json, sys; j = json.load(open(sys.argv[1]))
if not eval(sys.argv[2]): sys.exit(f"not true: {sys.argv[2]}: {j}")' "$work/out" "$expression"
}

echo "TAP version 13"
# The kernel has its generator write the same constants as ours, as C sees them.
numbers() {
	"$py" - "$ynl" "$spec" >"$work/ynl.h" <<'PY' || return 1
import sys
sys.path.insert(0, sys.argv[1])
from lib import SpecFamily
f = SpecFamily(sys.argv[2], "")
for s in f.attr_sets.values():
    for a in s.attrs.values():
        name = f"vgpu-a-{s.name}-{a.name}".replace("-", "_").upper()
        print(f"_Static_assert({name} == {a.value}, \"{name}\");")
for o in f.msgs.values():
    name = f"vgpu-nl-cmd-{o.name}".replace("-", "_").upper()
    print(f"_Static_assert({name} == {o.value}, \"{name}\");")
PY
	grep -c _Static_assert "$work/ynl.h"
	printf '#include <linux/vgpu_netlink.h>\n#include "ynl.h"\n' >"$work/t.c"
	gcc -I"$top/include/uapi" -I"$work" -c -o "$work/t.o" "$work/t.c"
}
t "the same numbers as ours" numbers
t "gpu-get, one" is 'j["index"] == 0 and j["driver"] == "vgpu_soft" and "mmu" in j["caps"]' \
	--do gpu-get --json '{"index": 0}'
t "gpu-get, all" is 'len(j) >= 1 and j[0]["engine"][0]["index"] == 0 and j[0]["vram"]["total"]' --dump gpu-get
t "type-get" is 'j and all(x["available"] for x in j)' --dump type-get
type=$("$py" -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["name"])' "$work/out")
t "vgpu-create" is '"id" in j' --do vgpu-create --json "{\"gpu\": 0, \"type\": \"$type\"}"
id=$("$py" -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$work/out")
t "vgpu-verb" cli --do vgpu-verb --json "{\"id\": $id, \"verb\": 1}"
t "vgpu-set" cli --do vgpu-set --json "{\"id\": $id, \"weight\": 33}"
t "vgpu-get" is 'j["state"] == "running" and j["weight"] == 33' --do vgpu-get --json "{\"id\": $id}"
t "vgpu-destroy" cli --do vgpu-destroy --json "{\"id\": $id}"
t "vgpu-get, all" is 'j == []' --dump vgpu-get
echo "1..$n"
