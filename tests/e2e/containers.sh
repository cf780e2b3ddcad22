# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For tests/jobs/containers.job: podman in a machine without network, and what its
# containers have to see.

work=$(mktemp -d -p /run)
chmod 755 "$work"
# shellcheck source=tests/vgpuctl/tap.sh
. "$VGPU_TOP/tests/vgpuctl/tap.sh"
. "$VGPU_TOP/tests/jobs/json.sh"

ctl=${BUILD:-$VGPU_TOP/build}/tools/vgpuctl
root=$work/root

# An unmodified podman: only where it stores, and that nothing else runs in this machine.
pod() {
	podman --root "$work/storage" --runroot "$work/run" --storage-driver vfs \
		--cgroup-manager cgroupfs --events-backend none "$@"
}

# What a container has: a shell, users, vgpuctl with its libraries, all GPU programs.
fill_root() {
	local p lib
	mkdir -p "$root"/{bin,dev,proc,sys,tmp,etc}
	chmod 1777 "$root/tmp"
	cp "$(command -v busybox)" "$VGPU_TOP/build/tools/e2e/hoard" "$ctl" "$root/bin/" || return 1
	for p in sh ls cat mknod id su setsid sleep kill tr stat; do ln -s busybox "$root/bin/$p"; done
	for lib in $(ldd "$ctl" | grep -o '/[^ ]*'); do
		mkdir -p "$root${lib%/*}" && cp -L "$lib" "$root$lib" || return 1
	done
	cp -r "$VGPU_TOP/build/programs" "$root/programs"
	printf 'root:x:0:0::/:/bin/sh\nsomebody:x:1000:1000::/tmp:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nsomebody:x:1000:\n' >"$root/etc/group"
}

# start NAME UUID COMMAND…: a container that has that vGPU
start() {
	local name=$1 uuid=$2; shift 2
	pod run -d --name "$name" --network none --log-driver none --env VGPU_PROGRAMS=/programs \
		--device "vgpu.org/vgpu=$uuid" --rootfs "$root" "$@"
}
# in_it NAME COMMAND…
in_it() {
	local name=$1; shift
	pod exec -e VGPU_PROGRAMS=/programs "$name" "$@"
}

# of vGPU UUID, what EXPRESSION says of it (v)
figure() { "$ctl" -j stats "$1" >"$work/stats" && evaluate "(lambda v: $2)(j['vgpus'][0])" "$work/stats"; }
