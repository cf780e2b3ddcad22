# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For jobs: . "$VGPU_TOP/tests/jobs/lib.sh"

# Loads our modules by name, with what they need of the kernel's.
# Parameters follow their module: load vgpu vgpu_soft gpus=2
load() {
	local name='' args=() a
	for a in "$@"; do
		case $a in
		*=*) args+=("$a") ;;
		*)
			[ -z "$name" ] || load_one "$name" "${args[@]}"
			name=$a args=() ;;
		esac
	done
	load_one "$name" "${args[@]}"
}

load_one() {
	local ko=$VGPU_KO/$1.ko dep
	shift
	[ -e "$ko" ] || { echo "no module $ko" >&2; return 1; }
	for dep in $(modinfo -F depends "$ko" | tr , ' '); do
		# ours come from the build directory, the kernel's from its tree
		if [ -e "$VGPU_KO/$dep.ko" ]; then
			grep -q "^${dep//-/_} " /proc/modules || load_one "$dep"
		else
			modprobe "$dep"
		fi
	done
	insmod "$ko" "$@"
}

# Waits until the command succeeds: until_true SECONDS COMMAND…; the seconds
# are multiplied by VGPU_PATIENCE.  To look costs the machine what it waits for: after
# a second it looks once in $VGPU_LOOK seconds (default 1).
until_true() {
	local begin=$SECONDS end=$((SECONDS + $1 * ${VGPU_PATIENCE:-1})); shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		if [ "$SECONDS" -le $((begin + 1)) ]; then sleep 0.2; else sleep "${VGPU_LOOK:-1}"; fi
	done
}
