# SPDX-License-Identifier: GPL-2.0
# Everything that vgpu builds. `make help` lists the targets.
#
# The kernel's build system reads Kbuild, not this file, because the modules
# are built in a mirror below build/ (scripts/build-modules).

TOP   := $(CURDIR)
BUILD ?= $(TOP)/build
O     ?=

PREFIX ?= /usr
DESTDIR ?=

# programs made with their own Makefiles: library first
TOOL_DIRS := tools/lib tools/vgpuctl tests/selftests tests/bench
PROGRAM_DIRS := programs
have = $(foreach d,$(1),$(if $(wildcard $(d)/Makefile),$(d)))

# command-line variables are for us; the kernel's make gets what we name
MAKEOVERRIDES :=
export BUILD := $(abspath $(BUILD))

kbuild-args := $(if $(KERNEL),--kernel $(KERNEL)) $(if $(KDIR),--kdir $(KDIR)) \
	$(if $(O),--out $(O)) $(foreach v,W C V CF VGPU_WERROR VGPU_TESTS,$(if $($(v)),$(v)=$($(v))))

all: modules tools programs

modules:
	+@scripts/build-modules $(kbuild-args)

tools: $(call have,$(TOOL_DIRS))
programs: $(call have,$(PROGRAM_DIRS))

$(TOOL_DIRS) $(PROGRAM_DIRS):
	+@$(MAKE) --no-print-directory -C $@ BUILD=$(BUILD) TOP=$(TOP)

# whatever links the library waits for it
$(filter-out tools/lib,$(call have,$(TOOL_DIRS))): $(call have,tools/lib)

check:
	@tests/run $(ARGS)

check-fast:
	@tests/run --fast $(ARGS)

demo:
	@scripts/demo $(ARGS)

# make bench, or one of them: make bench-switch
bench:
	@tests/bench/run $(ARGS)
bench-%:
	@tests/bench/run $* $(ARGS)

modules_install: modules
	@scripts/install --modules $(if $(KDIR),--kdir $(KDIR)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(O),--out $(O)) --destdir "$(DESTDIR)"

install: all
	@scripts/install $(if $(KDIR),--kdir $(KDIR)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(O),--out $(O)) --destdir "$(DESTDIR)" --prefix "$(PREFIX)"

dkms:
	@scripts/install --dkms

clean:
	rm -rf $(BUILD)
	@for d in $(call have,$(TOOL_DIRS) $(PROGRAM_DIRS)); do $(MAKE) --no-print-directory -C $$d BUILD=$(BUILD) TOP=$(TOP) clean; done

help:
	@echo 'all              modules, tools and GPU programs (default)'
	@echo 'modules          the kernel modules, into build/modules/NAME'
	@echo '                   KERNEL=NAME  for a kernel of scripts/kernel (debian-6.1 …)'
	@echo '                   KDIR=DIR     for any kernel build directory'
	@echo '                   O=DIR        build there; W=1 C=1 V=1 go to the kernel'"'"'s make'
	@echo 'tools            libvgpu, vgpuctl, selftests, into build/tools'
	@echo 'programs         GPU programs (RISC-V), into build/programs'
	@echo 'check            every test; check-fast: those that need no long VM'
	@echo 'demo             the whole road, in a VM: two guests compute on one GPU'
	@echo 'bench, bench-X   measurements'
	@echo 'install          modules, tools, man pages (PREFIX, DESTDIR); dkms: register with DKMS'
	@echo 'clean            delete build/'

.PHONY: all modules tools programs check check-fast demo bench modules_install install dkms clean help $(TOOL_DIRS) $(PROGRAM_DIRS)
