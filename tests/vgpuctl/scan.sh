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

# shellcheck source=tests/vgpuctl/tap.sh
. "$here/tap.sh"
# a made-up machine may be one that never ends
exits() { # status, command...
	local want=$1 got; shift
	timeout 60 "$@" >"$work/out" 2>"$work/err"; got=$?
	[ "$got" = "$want" ] || { cat "$work/out" "$work/err"; echo "exit status $got, not $want"; return 1; }
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

# --- gpu select ---------------------------------------------------------------------
t "select" golden select 0 "$ctl" gpu select --root "$work/desk"
t "select -j" golden select-json 0 "$ctl" -p gpu select --root "$work/desk"
t "select of a preferred mode" golden select-prefer 0 "$ctl" gpu select --prefer mdev --root "$work/desk"
t "select of one mode" golden select-soft 0 "$ctl" gpu select --mode soft --root "$work/desk"
t "select where there is nothing: software" json 0 'j["chosen"]["mode"] == "soft" and j["chosen"]["fallback"] and j["chosen"]["next"] == "modprobe vgpu_soft"' \
	"$ctl" -j gpu select --root "$work/empty"
t "select where there is nothing: hardware only" json 3 'j["chosen"] is None and j["error"]["exit"] == 3 and j["order"] == ["mdev", "passthrough"] and [r["mode"] for r in j["rejected"]] == ["soft"]' \
	"$ctl" -j gpu select --prefer mdev,passthrough --no-fallback --root "$work/empty"
t "select of a mode that nothing has" golden select-none 3 "$ctl" gpu select --mode mdev --root "$work/empty"
t "nothing of a hostile machine is handed over" json 0 'j["chosen"]["mode"] == "soft" and len(j["rejected"]) == 2 * 15' "$ctl" -j gpu select --root "$work/hostile"
t "names of a hostile machine make no line of their own" plain 0 "$ctl" --color never gpu select --root "$work/hostile"

# a change at a time to the GPU that was chosen: each has to be seen
spoil() { # words, command in the folder of the device...
	local words=$1; shift
	rm -rf "$work/spoiled"
	cp -r "$work/desk" "$work/spoiled"
	(cd "$work/spoiled/sys/bus/pci/devices/0000:01:00.0" && "$@") || return 1
	json 0 "j['chosen']['mode'] == 'mdev' and any(r.get('address') == '0000:01:00.0' and r['mode'] == 'passthrough' and \"$words\" in r['why'] for r in j['rejected'])" \
		"$ctl" -j gpu select --root "$work/spoiled"
}
t "not chosen: the host uses it" spoil "driver nouveau" ln -sfn ../../drivers/nouveau driver
t "not chosen: no group" spoil "no IOMMU group" rm iommu_group
t "not chosen: a group that is not there" spoil "cannot be read" ln -sfn ../../../kernel/iommu_groups/77 iommu_group
t "not chosen: who else is in the group uses it" spoil "0000:01:00.1, driver snd_hda_intel" ln -sfn ../../drivers/snd_hda_intel ../0000:01:00.1/driver
t "not chosen: nobody knows what else is in the group" spoil "0000:01:00.1" rm ../0000:01:00.1/class
t "not chosen: nobody knows its driver" spoil "driver cannot be read" sh -c 'rm driver; echo vfio-pci >driver'
t "not chosen: the console is on it" spoil "console" sh -c 'rm driver; echo 1 >boot_vga'
unbound() {
	rm -rf "$work/spoiled"
	cp -r "$work/desk" "$work/spoiled"
	rm "$work/spoiled/sys/bus/pci/devices/0000:01:00.0/driver" "$work/spoiled/sys/bus/pci/devices/0000:05:00.0/driver"
	# as good as the other, and larger
	printf '0x1000 0x7fffffff 0x2200\n' >"$work/spoiled/sys/bus/pci/devices/0000:06:00.0/resource"
	json 0 "(j['chosen']['mode'], j['chosen']['address']) == ('passthrough', '0000:06:00.0') and 'driver_override' in j['chosen']['next'] and any('more memory' in r['why'] for r in j['rejected'])" \
		"$ctl" -j gpu select --root "$work/spoiled"
}
t "of two that nobody uses, the larger" unbound
full() {
	rm -rf "$work/spoiled"
	cp -r "$work/desk" "$work/spoiled"
	echo 0 | tee "$work"/spoiled/sys/bus/pci/devices/*/mdev_supported_types/*/available_instances >/dev/null
	json 3 "j['chosen'] is None and sum('no room' in r['why'] for r in j['rejected']) == 2" \
		"$ctl" -j gpu select --prefer mdev,soft --no-fallback --root "$work/spoiled"
}
t "what is full is not chosen" full
shell() {
	rm -rf "$work/spoiled"
	cp -r "$work/desk" "$work/spoiled"
	mdev_type "$work/spoiled" 0000:03:00.0 'x; $(reboot)' name 9
	json 0 "j['chosen']['address'] == '0000:00:02.0'" "$ctl" -j gpu select --mode mdev --root "$work/spoiled"
}
t "no type is a command of the shell" shell
while IFS='|' read -r line words; do
	# shellcheck disable=SC2086
	t "refused: gpu select $line" says "$words" 2 "$ctl" gpu select $line
done <<'LINES'
--mode fast|give auto, passthrough, mdev or soft
--prefer mdev,|give passthrough, mdev or soft
--prefer auto|give passthrough, mdev or soft
--mode mdev --prefer soft|--prefer is for --mode auto
--no-fallback|--no-fallback needs --prefer
LINES

# --- qemu: any mediated device, which sysfs alone tells --------------------------------
uuid=8d3f9a54-6f0e-4f8e-9c43-0d4b1b2f6a01
mkdir -p "$work/desk/sys/bus/mdev/devices/$uuid/mdev_type" "$work/desk/sys/bus/mdev/devices/${uuid%1}2/mdev_type"
echo vfio-pci >"$work/desk/sys/bus/mdev/devices/$uuid/mdev_type/device_api"
echo "vfio-pci,x-evil=on' foo='" >"$work/desk/sys/bus/mdev/devices/${uuid%1}2/mdev_type/device_api"
t "qemu" golden qemu 0 env VGPUCTL_ROOT="$work/desk" "$ctl" qemu $uuid
t "qemu --libvirt" golden qemu-libvirt 0 env VGPUCTL_ROOT="$work/desk" "$ctl" qemu --libvirt $uuid
t "qemu -j" json 0 "j['qemu'] == ['-device', 'vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid'] and j['mdev'].endswith(j['uuid'])" \
	env VGPUCTL_ROOT="$work/desk" "$ctl" -j qemu ${uuid^^}
t "qemu of a type that says nonsense" json 0 "j['qemu'][1].startswith('vfio-pci,sysfsdev=') and 'evil' not in j['libvirt']" \
	env VGPUCTL_ROOT="$work/desk" "$ctl" -j qemu ${uuid%1}2
t "qemu of nonsense" says "is no vGPU" 2 "$ctl" qemu x
domain() {
	{
		echo "<domain type='kvm'><name>guest</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os><devices>"
		VGPUCTL_ROOT="$work/desk" "$ctl" qemu --libvirt $uuid
		echo "</devices></domain>"
	} >"$work/domain.xml"
	virt-xml-validate "$work/domain.xml" domain
}
if command -v virt-xml-validate >/dev/null && command -v xmllint >/dev/null; then
	t "libvirt's schema takes it" domain
else
	n=$((n + 1)); echo "ok $n - libvirt's schema takes it # SKIP no virt-xml-validate"
fi
echo "1..$n"
