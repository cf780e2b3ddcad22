# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests/deb/machine: systemd as process 1 of a namespace, twice, with no module of ours
# in between, as after a reboot.

boot_uuid=11111111-2222-4333-8444-555555555555
boot_mdev=21111111-2222-4333-8444-555555555555

# Runs $1, a script, under a systemd that boots for it; what it prints goes to $2.
boot() {
	cat >/etc/systemd/system/vgpu-test.service <<U
[Unit]
After=multi-user.target vgpu.service
[Service]
Type=oneshot
StandardOutput=append:$2
StandardError=append:$2
ExecStart=-/bin/bash $1
ExecStart=/bin/systemctl poweroff --force
U
	cat >/etc/systemd/system/vgpu-test.target <<'U'
[Unit]
Requires=sysinit.target
Wants=vgpu-test.service vgpu.service
AllowIsolate=yes
U
	timeout 300 unshare --fork --pid --kill-child --mount --mount-proc --cgroup \
		env -i container=vgpu-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --system --unit=vgpu-test.target --log-target=console --show-status=no >>"$2.boot" 2>&1 </dev/null
	rm -f /etc/systemd/system/vgpu-test.*
}

# As a user finds it: what is set now is there after the next boot.
boots() {
	local work=$1
	echo "options vgpu_soft gpus=2" >/etc/modprobe.d/vgpu-test.conf
	printf 'vgpu_soft\nvgpu_vfio\n' >/etc/modules-load.d/vgpu-test.conf
	# the machine's other devices have their drivers; /tmp is emptied at each boot
	ln -s /dev/null /etc/systemd/system/systemd-udev-trigger.service
	rmmod vgpu_vfio vgpu_soft vgpu 2>/dev/null
	cat >"$work/first" <<S
set -e
systemctl is-enabled vgpu.service
vgpuctl gpu set 1 --policy rr --slice 3ms
vgpuctl vgpu create --type 1g.32m --gpu 1 --uuid $boot_uuid --weight 300 --start
vgpuctl vgpu set $boot_uuid --vram 20M
vgpuctl vgpu create --type 1g.32m --gpu 0 --uuid $boot_mdev --mdev
vgpuctl config save
echo set
S
	boot "$work/first" "$work/first.out"
	t "a system boots, and is told what it has to have" grep -qx set "$work/first.out"
	tail -n 3 "$work/first.out" | sed 's/^/# /'
	# the machine goes on, so what would end with it ends here
	vgpuctl vgpu destroy $boot_uuid $boot_mdev >&2
	rmmod vgpu_vfio vgpu_soft vgpu
	off() { [ ! -e /dev/vgpu/ctl ] && ! grep "^vgpu" /proc/modules; }
	t "it is off: no vGPU is there" off
	cat >"$work/second" <<S
systemctl is-active vgpu.service && echo active
vgpuctl -j vgpu list
udevadm settle
stat -c '%G %a' -L /dev/vgpu/by-uuid/$boot_uuid
stat -c '%G %a' /dev/vgpu/ctl
S
	boot "$work/second" "$work/second.out"
	grep -v '^{' "$work/second.out" | sed 's/^/# /'
	t "it boots again, and vgpu.service did its work" grep -qx active "$work/second.out"
	t "the same vGPUs, with what was set" python3 - "$work/second.out" "$boot_uuid" "$boot_mdev" <<'P'
import json, sys
v = {x["uuid"]: x for line in open(sys.argv[1]) if line.startswith("{") for x in json.loads(line)["vgpus"]}
a, b = v[sys.argv[2]], v[sys.argv[3]]
assert len(v) == 2, v
assert (a["gpu"], a["weight"], a["vram_limit"], a["state"]) == (1, 300, 20 << 20, "running"), a
assert (b["gpu"], b["flags"]) == (0, ["mdev"]), b
P
	t "the group vgpu may use the node, which has a name by its UUID" grep -qx 'vgpu 660' "$work/second.out"
	t "the management node is root's" grep -qx 'root 600' "$work/second.out"
	[ "$(grep -c . "$work/second.out")" -ge 4 ] || tail -n 30 "$work/second.out.boot" | sed 's/^/# /'
	vgpuctl vgpu destroy $boot_uuid $boot_mdev >&2
	rm -rf /etc/systemd/system/systemd-udev-trigger.service /etc/modprobe.d/vgpu-test.conf /etc/modules-load.d/vgpu-test.conf /etc/vgpu/config.json
}
