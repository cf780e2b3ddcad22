# SPDX-License-Identifier: GPL-2.0
vgpu-y += ioctl/table.o ioctl/copy.o

# The guest's driver works where there is no vgpu.ko, so it gets these built a
# second time, without the exports.
ifneq ($(wildcard $(src)/guest/room.mk),)
vgpu_guest-y += ioctl/guest-table.o ioctl/guest-copy.o
endif
CFLAGS_ioctl/guest-table.o := -D__DISABLE_EXPORTS
CFLAGS_ioctl/guest-copy.o := -D__DISABLE_EXPORTS

$(obj)/ioctl/guest-%.o: $(src)/ioctl/%.c FORCE
	$(call if_changed_rule,cc_o_c)
