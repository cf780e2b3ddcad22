# SPDX-License-Identifier: GPL-2.0
# Makes soft_kernels.h from soft_kernels.S: make -f soft_kernels.mk
RVCC ?= riscv64-unknown-elf-gcc
RVPREFIX ?= riscv64-unknown-elf-

soft_kernels.h: soft_kernels.S soft_kernels.awk
	$(RVCC) -march=rv64ima_zicsr -mabi=lp64 -nostdlib -Wl,-Ttext=0,-e0 -o soft_kernels.o $<
	{ $(RVPREFIX)nm -n soft_kernels.o; \
	  $(RVPREFIX)objcopy -O binary -j .text soft_kernels.o /dev/stdout | \
	  od -An -v -tx4 -w32; } | awk -f soft_kernels.awk >$@
	rm -f soft_kernels.o
