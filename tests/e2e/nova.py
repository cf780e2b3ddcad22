#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What Nova's libvirt driver makes of the mdevs of the libvirtd that runs here.

    nova.py FOLDER TYPE...    Debian's python3-nova, unpacked; [devices] enabled_mdev_types

The methods of LibvirtDriver and Host that find mdevs, and the classes that read libvirt's XML,
are Nova's own, unchanged, and ask the real libvirtd.  All of python3-nova takes 200 packages more,
so what these methods do not use is left out: modules that Nova imports for something else
are empty ones, and the two classes have these methods only.  Prints JSON.
"""
import ast
import collections
import importlib
import json
import os
import sys
import types
import typing as ty

import libvirt

METHODS = {
    "driver.py": ("LibvirtDriver", (
        "_get_supported_vgpu_types", "_get_pci_id_from_libvirt_name", "_get_vgpu_type_per_pgpu",
        "_get_mdev_capabilities_for_dev", "_get_mdev_capable_devices", "_get_mediated_device_information",
        "_get_mediated_devices", "_count_mediated_devices", "_count_mdev_capable_devices",
        "_get_gpu_inventories")),
    "host.py": ("Host", ("device_lookup_by_name", "list_mdev_capable_devices", "list_mediated_devices",
                         "_list_devices")),
}


class Nothing(types.ModuleType):
    """A module that is only named, or logged with."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (Exception,), {}) if name[0].isupper() else Nothing(name)

    def __call__(self, *args, **kwargs):
        return Nothing("result")


def empty(name, **has):
    module = Nothing(name)
    module.__path__ = []
    module.__dict__.update(has)
    sys.modules[name] = module
    return module


def methods(folder, name, scope):
    """The class of Nova's source, with these of its methods."""
    owner, wanted = METHODS[name]
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        tree = ast.parse(f.read())
    cls = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner)
    cls.body = [n for n in cls.body if isinstance(n, ast.FunctionDef) and n.name in wanted]
    if len(cls.body) != len(wanted):
        sys.exit(f"{name} has not all of {wanted}")
    cls.bases, cls.decorator_list = [], []
    exec(compile(ast.Module([cls], []), name, "exec"), scope)     # pylint: disable=exec-used
    return scope[owner]


def main():
    nova, enabled = os.path.join(sys.argv[1], "usr/lib/python3/dist-packages/nova"), sys.argv[2:]
    for name in ("oslo_log", "oslo_log.log", "nova.objects", "nova.objects.fields", "nova.i18n", "nova.exception"):
        empty(name)
    empty("nova").__path__ = [nova]
    for name in ("nova.pci", "nova.virt", "nova.virt.libvirt"):
        empty(name).__path__ = [os.path.join(nova, *name.split(".")[1:])]
    config = importlib.import_module("nova.virt.libvirt.config")
    pci_utils = importlib.import_module("nova.pci.utils")
    scope = {"libvirt": libvirt, "vconfig": config, "ty": ty, "collections": collections, "LOG": Nothing("LOG"),
             "orc": Nothing("orc"), "pci_utils": pci_utils, "exception": sys.modules["nova.exception"],
             "CONF": types.SimpleNamespace(devices=types.SimpleNamespace(enabled_mdev_types=enabled)),
             "nova": sys.modules["nova"]}
    folder = os.path.join(nova, "virt/libvirt")
    host = methods(folder, "host.py", scope)()
    host.get_connection = lambda: connection
    connection = libvirt.open("qemu:///system")
    driver = methods(folder, "driver.py", scope)()
    driver._host = host
    driver.pgpu_type_mapping, driver.mdev_class_mapping = {}, {}
    driver.supported_vgpu_types = driver._get_supported_vgpu_types()
    json.dump({"types": driver.supported_vgpu_types,
               "capable": driver._get_mdev_capable_devices(),
               "mdevs": driver._get_mediated_devices(),
               "inventories": driver._get_gpu_inventories()}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
