#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What KubeVirt's virt-handler would make of this machine's mdevs.

Reads and writes of sysfs as its pkg/virt-handler/device-manager does (mediated_device.go,
mediated_devices_types.go, common.go of 1.0 and later), in the same order and with nothing beside
them; prints JSON. Kubernetes itself is not here.

    kubevirt.py types TYPE...          mediatedDevicesConfiguration.mediatedDeviceTypes, applied
    kubevirt.py devices SELECTOR...    permittedHostDevices.mediatedDevices[].mdevNameSelector
"""
import glob
import json
import os
import sys
import uuid

DEVICES = "/sys/bus/mdev/devices"
PARENTS = "/sys/class/mdev_bus"


def selector(raw):
    return raw.replace(" ", "_").strip()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def type_name(mdev):
    """The type's name, or, of a type without one, its identifier."""
    try:
        return selector(read(f"{DEVICES}/{mdev}/mdev_type/name"))
    except FileNotFoundError:
        return selector(os.path.basename(os.readlink(f"{DEVICES}/{mdev}/mdev_type")))


def parent_of(mdev):
    return os.readlink(f"{DEVICES}/{mdev}").split("/")[-2]


def configure(wanted):
    """Removes mdevs of other types, then fills one unused parent after the other."""
    removed, created = [], {}
    for mdev in sorted(os.listdir(DEVICES)):
        ident = selector(os.path.basename(os.readlink(f"{DEVICES}/{mdev}/mdev_type")))
        if type_name(mdev) not in wanted and ident not in wanted:
            with open(f"{DEVICES}/{mdev}/remove", "w", encoding="utf-8") as f:
                f.write("1")
            removed.append(mdev)
    used = {parent_of(m) for m in os.listdir(DEVICES)}
    for path in sorted(glob.glob(f"{PARENTS}/*/mdev_supported_types/*")):
        parent, ident = path.split("/")[-3], os.path.basename(path)
        name = selector(read(f"{path}/name")) if os.path.exists(f"{path}/name") else ""
        if parent in used or (name not in wanted and ident not in wanted):
            continue
        used.add(parent)
        count = int(read(f"{path}/available_instances").splitlines()[0])
        for _ in range(count):
            with open(f"{path}/create", "w", encoding="utf-8") as f:
                f.write(str(uuid.uuid4()))
        created[parent] = [ident, count]
    return {"removed": removed, "created": created}


def permitted(selectors):
    """By selector, what its device plugin would offer to the kubelet."""
    found = {}
    for mdev in sorted(os.listdir(DEVICES)):
        if not os.path.islink(f"{DEVICES}/{mdev}") or type_name(mdev) not in selectors:
            continue
        parent = parent_of(mdev)
        group = os.path.basename(os.readlink(f"{DEVICES}/{mdev}/iommu_group"))
        found.setdefault(type_name(mdev), []).append({
            "uuid": mdev, "parent": parent, "id": group,
            "numa": int(read(f"/sys/bus/pci/devices/{parent}/numa_node")),
            # without it the device is not allocated, and unhealthy
            "vfio": os.path.exists(f"/dev/vfio/{group}")})
    return found


if __name__ == "__main__":
    verb, words = sys.argv[1], sys.argv[2:]
    json.dump({"types": configure, "devices": permitted}[verb](words), sys.stdout)
    print()
