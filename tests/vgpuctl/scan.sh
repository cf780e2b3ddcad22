#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vgpuctl gpu scan and gpu select on machines that are made up (trees.sh), friendly
# and hostile, against golden output. The vgpuctl is one with sanitizers.
#
#	tests/vgpuctl/scan.sh [--write] VGPUCTL
set -u

write=
[ "$1" = --write ] && { write=yes; shift; }
ctl=${1:?vgpuctl}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/trees.sh"
py=/usr/bin/python3
work=$(mktemp -d)
trap 'chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
chmod 755 "$work"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1
unset COLUMNS VGPUCTL_ROOT

n=0
t() { # what, command...
	local what=$1; shift
	n=$((n + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		sed 's/^/# /' "$work/log" | head -40
	fi
}
exits() { # status, command...
	local want=$1 got; shift
	timeout 60 "$@" >"$work/out" 2>"$work/err"; got=$?
	[ "$got" = "$want" ] || { cat "$work/out" "$work/err"; echo "exit status $got, not $want"; return 1; }
}
says() { # words, status, command...
	local words=$1; shift
	exits "$@" && grep -qF -- "$words" "$work/out" "$work/err" || { cat "$work/out" "$work/err"; return 1; }
}
golden() { # name, status, command...
	local name=$1; shift
	exits "$@" || return 1
	sed -i "s|$work|/tree|g" "$work/out" "$work/err"
	cat "$work/out" "$work/err" >"$work/both"
	[ -z "$write" ] || cp "$work/both" "$here/golden/$name.txt"
	diff "$here/golden/$name.txt" "$work/both"
}
# What is printed is lines of what can be printed, and nothing else.
plain() {
	exits "$@" && ! LC_ALL=C grep -n '[^ -~]' "$work/out"
}
# An expression over the JSON (j).
json() { # status, expression, command...
	local status=$1 expression=$2; shift 2
	exits "$status" "$@" && "$py" - "$expression" "$work/out" <<'PY'
import json, sys
j = json.load(open(sys.argv[2], encoding="utf-8"))
assert j["schema"] == 1
dev = {d["address"]: d for d in j.get("devices", [])}
if not eval(sys.argv[1], {"j": j, "dev": dev}):
    print(json.dumps(j, indent=1)); sys.exit(f"not so: {sys.argv[1]}")
PY
}
somebody=()
[ "$(id -u)" != 0 ] || somebody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

tree_desk "$work/desk"
(tree_hostile "$work/hostile")
tree_types "$work/types"
mkdir -p "$work/empty/sys/bus/pci/devices"
# what somebody runs has to be where somebody may go
cp "$ctl" "$work/vgpuctl"

echo "TAP version 13"
t "scan of a machine" golden scan 0 "$ctl" gpu scan --root "$work/desk"
COLUMNS=60 t "scan on a narrow terminal" golden scan-60 0 "$ctl" gpu scan --root "$work/desk"
t "scan -j" golden scan-json 0 "$ctl" -p gpu scan --root "$work/desk"
t "VGPUCTL_ROOT is the same" env VGPUCTL_ROOT="$work/desk" cmp <("$ctl" gpu scan --root "$work/desk") <(VGPUCTL_ROOT="$work/desk" "$ctl" gpu scan)
t "scan of a bus with nothing on it" golden scan-empty 0 "$ctl" gpu scan --root "$work/empty"
t "scan of no machine" says "cannot look at the PCI bus" 3 "$ctl" gpu scan --root "$work/nowhere"
t "scan of no folder" says "give a folder" 2 "$ctl" gpu scan --root ""
t "scan of a folder with a name that is too long" says "give a folder" 2 "$ctl" gpu scan --root "$(printf '/a%.0s' {1..2000})"

# hostile
t "scan of a hostile machine" golden scan-hostile 0 "$ctl" gpu scan --root "$work/hostile"
t "no name makes a line or a colour of its own" plain 0 "$ctl" --color never gpu scan --root "$work/hostile"
t "scan -j of it is JSON, and no GPU is forgotten" json 0 \
	'len(j["devices"]) == 15 and len(j["skipped"]) == 19 and all("unreadable" in d or a[5:7] in ("12", "16", "19") for a, d in dev.items())' \
	"$ctl" -j gpu scan --root "$work/hostile"
t "what a driver is named is data" json 0 '"\n" not in dev["0000:12:00.0"]["driver"] and "\x1b" not in dev["0000:12:00.0"]["driver"]' \
	"$ctl" -j gpu scan --root "$work/hostile"
t "a hundred types are not all read, and that is said" json 0 'len(dev["0000:01:00.0"]["mdev_types"]) == 64 and dev["0000:01:00.0"]["unreadable"] == ["mdev_supported_types"]' \
	"$ctl" -j gpu scan --root "$work/types"
t "memory that overflows is none" json 0 '"vram_bytes" not in dev["0000:18:00.0"]' "$ctl" -j gpu scan --root "$work/hostile"
for ids in fifo huge folder loop; do
	mkdir -p "$work/$ids/usr/share/misc"
	cp -r "$work/desk/sys" "$work/$ids/sys"
	case $ids in
	fifo) mkfifo "$work/$ids/usr/share/misc/pci.ids" ;;
	huge) truncate -s 1T "$work/$ids/usr/share/misc/pci.ids" ;;
	folder) mkdir "$work/$ids/usr/share/misc/pci.ids" ;;
	loop) ln -s pci.ids "$work/$ids/usr/share/misc/pci.ids" ;;
	esac
	t "pci.ids: $ids" says "10de:2204" 0 "$ctl" gpu scan --root "$work/$ids"
done
cp -r "$work/desk" "$work/locked"
chmod 0 "$work/locked/sys/bus/pci/devices/0000:01:00.0" "$work/locked/sys/bus/pci/devices/0000:03:00.0/vendor" \
	"$work/locked/sys/kernel/iommu_groups/0/devices"
t "what may not be read is named" json 0 'any(s["name"] == "0000:01:00.0" for s in j["skipped"]) and dev["0000:03:00.0"]["unreadable"] == ["vendor"] and dev["0000:00:02.0"]["unreadable"] == ["iommu_group"]' \
	"${somebody[@]}" "$work/vgpuctl" -j gpu scan --root "$work/locked"
chmod 0 "$work/locked/sys/bus/pci/devices"
t "a bus that may not be read" says "Permission denied" 3 "${somebody[@]}" "$work/vgpuctl" gpu scan --root "$work/locked"
mkdir -p "$work/crowd/sys/bus/pci/devices"
(cd "$work/crowd/sys/bus/pci/devices" && for i in {0..4200}; do printf '%04x:00:00.0\n' "$i"; done | xargs mkdir)
t "a bus without an end" json 0 'len(j["skipped"]) == 4097 and "too many" in j["skipped"][-1]["why"]' "$ctl" -j gpu scan --root "$work/crowd"
echo "1..$n"
