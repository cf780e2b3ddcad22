# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Makes folders that look like a machine's sys and usr, for --root: one of a machine
# that somebody may have, and those of whoever wants to see vgpuctl stumble.
# For tests: . trees.sh; tree_desk FOLDER; tree_hostile FOLDER

# device FOLDER ADDRESS CLASS VENDOR DEVICE [DRIVER [GROUP]]
device() {
	local bus=$1/sys/bus/pci d
	d=$bus/devices/$2
	mkdir -p "$d"
	echo "$3" >"$d/class"
	echo "$4" >"$d/vendor"
	echo "$5" >"$d/device"
	echo -1 >"$d/numa_node"
	if [ -n "${6:-}" ]; then
		mkdir -p "$bus/drivers/$6"
		ln -s "../../drivers/$6" "$d/driver"
	fi
	if [ -n "${7:-}" ]; then
		mkdir -p "$1/sys/kernel/iommu_groups/$7/devices"
		ln -s "../../../kernel/iommu_groups/$7" "$d/iommu_group"
		ln -s "../../../../bus/pci/devices/$2" "$1/sys/kernel/iommu_groups/$7/devices/$2"
	fi
}

# mdev_type FOLDER ADDRESS TYPE NAME FREE
mdev_type() {
	local d=$1/sys/bus/pci/devices/$2/mdev_supported_types/$3
	mkdir -p "$d"
	echo "$4" >"$d/name"
	echo vfio-pci >"$d/device_api"
	echo "$5" >"$d/available_instances"
}

tree_names() {
	mkdir -p "$1/usr/share/misc"
	sed 's/^>/\t/' >"$1/usr/share/misc/pci.ids" <<-'IDS'
	1002  Advanced Micro Devices, Inc. [AMD/ATI]
	>73bf  Navi 21 [Radeon RX 6800/6800 XT / 6900 XT]
	10de  NVIDIA Corporation
	>2204  GA102 [GeForce RTX 3090]
	>1aef  GA102 High Definition Audio Controller
	1af4  Red Hat, Inc.
	144d  Samsung Electronics Co Ltd
	>a80a  NVMe SSD Controller PM9A1/PM9A3/980PRO
	8086  Intel Corporation
	>3e92  CoffeeLake-S GT2 [UHD Graphics 630]
	>1521  I350 Gigabit Network Connection
	C 01  Mass storage controller
	>08  Non-Volatile memory controller
	C 02  Network controller
	>00  Ethernet controller
	C 03  Display controller
	>00  VGA compatible controller
	>80  Display controller
	C 12  Processing accelerators
	>00  Processing accelerators
	IDS
}

tree_desk() {
	local d=$1
	tree_names "$d"
	device "$d" 0000:00:01.0 0x060400 0x8086 0x1901 pcieport 1
	device "$d" 0000:00:02.0 0x030000 0x8086 0x3e92 i915 0
	echo 1 >"$d/sys/bus/pci/devices/0000:00:02.0/boot_vga"
	mdev_type "$d" 0000:00:02.0 i915-GVTg_V5_4 GVTg_V5_4 1
	mdev_type "$d" 0000:00:02.0 i915-GVTg_V5_8 GVTg_V5_8 0
	# ready to be handed over, with its sound
	device "$d" 0000:01:00.0 0x030000 0x10de 0x2204 vfio-pci 1
	printf '%s\n' '0x00000000f6000000 0x00000000f6ffffff 0x0000000000040200' \
		'0x000000e000000000 0x000000e00fffffff 0x000000000014220c' \
		'0x0000000000000000 0x0000000000000000 0x0000000000000000' \
		>"$d/sys/bus/pci/devices/0000:01:00.0/resource"
	echo 0 >"$d/sys/bus/pci/devices/0000:01:00.0/boot_vga"
	device "$d" 0000:01:00.1 0x040300 0x10de 0x1aef vfio-pci 1
	device "$d" 0000:03:00.0 0x030000 0x1002 0x73bf amdgpu 2
	echo 17163091968 >"$d/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total"
	device "$d" 0000:03:00.1 0x040300 0x1002 0xab28 snd_hda_intel 2
	# nobody's, and without an IOMMU
	device "$d" 0000:04:00.0 0x120000 0x1da3 0x1020
	# a GPU that nobody uses, in a group with a network card that somebody does
	device "$d" 0000:05:00.0 0x020000 0x8086 0x1521 igb 5
	device "$d" 0000:06:00.0 0x030200 0x10de 0x2235 "" 5
	device "$d" 0000:07:00.0 0x010802 0x144d 0xa80a nvme 6
	device "$d" 1f600:00:00.0 0x038000 0x1af4 0x10f6 vgpu_soft
	mdev_type "$d" 1f600:00:00.0 vgpu_soft-1g.32m 1g.32m 8
	mdev_type "$d" 1f600:00:00.0 vgpu_soft-2g.64m 2g.64m 4
}

# A GPU to spoil: bad FOLDER NUMBER; its folder is $bad.
bad() {
	bad=$1/sys/bus/pci/devices/0000:$2:00.0
	device "$1" "0000:$2:00.0" 0x030000 0x10de 0x2204
}

tree_hostile() {
	local d=$1
	mkdir -p "$d/usr/share/misc" "$d/sys/bus/pci/devices"
	head -c 5000 /dev/zero | tr '\0' '\377' >"$d/usr/share/misc/pci.ids"
	cd "$d/sys/bus/pci/devices" || return

	# names that are none
	mkdir $'0000:00:00.0\n0000:00:02.0' $'\033[31mred\033[0m' $'\377\376' "0000:00:00.8" "..." \
		"ffffffffffff:00:00.0" "$(printf 'a%.0s' {1..255})" "0000:00:00.0 "
	echo 0x030000 >file
	# classes that are none
	mkdir -p 0000:01:00.0 0000:02:00.0/class 0000:03:00.0 0000:04:00.0 0000:05:00.0 0000:06:00.0 \
		0000:07:00.0 0000:08:00.0
	mkfifo 0000:03:00.0/class
	ln -s class 0000:04:00.0/class
	truncate -s 1T 0000:05:00.0/class
	printf '\0\1\2\377' >0000:06:00.0/class
	echo -1 >0000:07:00.0/class
	echo 0xffffffffffffffffffff >0000:08:00.0/class
	: >0000:08:00.0/vendor
	ln -s 0000:09:00.0 0000:09:00.0
	ln -s ../../../.. 0000:0a:00.0

	# GPUs with everything else spoiled, a thing each
	bad "$d" 10; rm "$bad/vendor"
	bad "$d" 11; printf '\033[2Jevil\n' >"$bad/device"
	bad "$d" 12; ln -s $'../../drivers/a\nGPUs: none\033[31m' "$bad/driver"
	bad "$d" 13; echo i915 >"$bad/driver"
	bad "$d" 14; ln -s ../../../kernel/iommu_groups/12x "$bad/iommu_group"
	bad "$d" 15; ln -s ../../../kernel/iommu_groups/99999999999999999999 "$bad/iommu_group"
	bad "$d" 16; ln -s ../../../kernel/iommu_groups/16 "$bad/iommu_group"
	mkdir -p "$d/sys/kernel/iommu_groups/16/devices"
	touch "$d/sys/kernel/iommu_groups/16/devices/"{0000:16:00.0,$'0000:10:00.0\n',0000:77:00.0,0000:09:00.0}
	bad "$d" 17; mkfifo "$bad/mem_info_vram_total" "$bad/resource"
	bad "$d" 18; echo 99999999999999999999 >"$bad/mem_info_vram_total"
	yes '0x0 0xffffffffffffffff 0x2200' | head -n 99999 >"$bad/resource"
	bad "$d" 19; printf '%s\n' '0x1 0x0 0x2200' '-1 -1 -1' >"$bad/resource"
	bad "$d" 1a; echo >"$bad/mdev_supported_types"
	bad "$d" 1b; mdev_type "$d" 0000:1b:00.0 $'x\ny' $'n\rm' -5
	mdev_type "$d" 0000:1b:00.0 fifo name 3
	rm "$bad/mdev_supported_types/fifo/available_instances"
	mkfifo "$bad/mdev_supported_types/fifo/available_instances"
	ln -s loop "$bad/mdev_supported_types/loop"
	bad "$d" 1d; ln -s . "$bad/driver"; ln -s / "$bad/iommu_group"
	bad "$d" 1e; printf 'Gr\303\274n \342\200\256 \355\240\200 \302\205' >"$bad/vendor"
	bad "$d" 1f; echo 7 >"$bad/boot_vga"; echo x >"$bad/numa_node"
	cd - >/dev/null || return
}

# a GPU with more types than anybody has
tree_types() {
	local i
	bad "$1" 01
	for i in {100..199}; do mdev_type "$1" 0000:01:00.0 "t$i" name 1; done
}
