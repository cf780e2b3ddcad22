# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For jobs with guests of their own: . "$VGPU_TOP/tests/e2e/lib.sh"
# Their machines are nested ones (# vm: --nested): KVM under TCG is faster with one CPU,
# and with several it loses a guest, or itself, now and then (scripts/vm, scripts/vm-kvm).  Guests run
# the machine's kernel, or that of "# guest:" (built-6.1 boots in a third of the time).
. "$VGPU_TOP/tests/jobs/lib.sh"
. "$VGPU_TOP/tests/jobs/json.sh"

e2e_n=0
mdevs=/sys/bus/mdev/devices
vgpuctl=$VGPU_TOP/build/tools/vgpuctl
work=$(mktemp -d)

# ok STATUS NAME…
ok() {
	local status=$1; shift
	e2e_n=$((e2e_n + 1))
	if [ "$status" = 0 ]; then echo "ok $e2e_n - $*"; else echo "not ok $e2e_n - $* (status $status)"; fi
}

# The host's side: a GPU, VFIO, KVM.
set_up() {
	load vgpu_soft gpus=1 || exit 1
	modprobe vfio_iommu_type1
	load vgpu_vfio || exit 1
	"$VGPU_TOP/scripts/vm-kvm" || exit 1
}

# mdev NUMBER SHARES: makes one, prints its UUID
mdev() {
	local uuid=e2e00000-7b1e-4c3d-9a55-00000000000$1 type
	for type in /sys/class/mdev_bus/*/mdev_supported_types/*-"$2"g.*; do
		echo "$uuid" >"$type/create" || return 1
		echo "$uuid"
		return
	done
}

# A guest with the driver, vgpuctl and all GPU programs; what follows goes to
# scripts/guest.  With the firmware that is fastest: to SeaBIOS each look at a device
# is an exit or two, where KVM is nested.
guest() {
	"$VGPU_TOP/scripts/guest" run --tries 3 --firmware "${VGPU_FIRMWARE:-qboot}" --kernel "${VGPU_GUEST_KERNEL:-$VGPU_KERNEL}" --module vgpu_guest.ko \
		--program "$vgpuctl" --env VGPU_PROGRAMS=/programs \
		--file "$VGPU_TOP/build/programs:/programs" "$@"
}

# used UUID: its VRAM in use, bytes
used() {
	"$vgpuctl" vgpu show "$1" -j >"$work/used" && evaluate 'j["vgpu"]["vram_used"]' "$work/used"
}

state() { cat "$mdevs/$1/vgpu/state"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
