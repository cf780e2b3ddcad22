#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the machine: loads vgpu_peer, which measures, and prints its figures.
set -eu
. "$VGPU_TOP/tests/jobs/lib.sh"
load vgpu_peer
rmmod vgpu_peer
dmesg | sed -n 's/.*vgpu_peer: {/{/p'
