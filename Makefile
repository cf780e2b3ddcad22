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

# whatever has its own Makefile; the library comes first
# tests/policy is a kernel module: its own test builds it
TOOL_DIRS := $(filter-out tests/policy,$(patsubst %/Makefile,%,$(wildcard tools/*/Makefile tests/*/Makefile)))
PROGRAM_DIRS := $(patsubst %/Makefile,%,$(wildcard programs/Makefile))

# command-line variables are for us; the kernel's make gets what we name
MAKEOVERRIDES :=
export BUILD := $(abspath $(BUILD))

kbuild-args := $(if $(KERNEL),--kernel $(KERNEL)) $(if $(KDIR),--kdir $(KDIR)) \
	$(if $(O),--out $(O)) $(foreach v,W C V CF VGPU_WERROR VGPU_TESTS,$(if $($(v)),$(v)=$($(v))))

all: modules tools programs

modules:
	+@scripts/build-modules $(kbuild-args)

tools: $(TOOL_DIRS)

$(TOOL_DIRS) $(PROGRAM_DIRS):
	+@$(MAKE) --no-print-directory -C $@ BUILD=$(BUILD)

# whatever links the library waits for it
$(filter-out tools/lib,$(TOOL_DIRS)): $(filter tools/lib,$(TOOL_DIRS))
# these have the host sides of the programs in them
$(filter tools/vgpuctl tests/soak,$(TOOL_DIRS)): $(PROGRAM_DIRS)

check:
	@tests/run $(ARGS)

check-fast:
	@tests/run --fast $(ARGS)

# random tenants, guests and settings: make soak SOAK=600 SEED=1
soak:
	@tests/soak/run $(if $(SOAK),--seconds $(SOAK)) $(if $(SEED),--seed $(SEED)) $(ARGS)

demo:
	@scripts/demo $(ARGS)

# Documentation/top.svg, of vgpuctl top in a machine with tenants
picture:
	@scripts/picture $(ARGS)

# make bench, or one of them: ctx, gate, guest, mem, rings, sched: make bench-ctx
bench:
	@tests/bench/run $(ARGS)
bench-%:
	@tests/bench/run $* $(ARGS)

install-args := $(if $(KERNEL),--kernel $(KERNEL)) $(if $(KDIR),--kdir $(KDIR)) $(if $(O),--out $(O)) \
	--destdir "$(DESTDIR)"

modules_install:
	+@scripts/install $(install-args)

tools_install: tools programs
	+@for d in $(filter tools/%,$(TOOL_DIRS)) $(PROGRAM_DIRS); do \
		$(MAKE) --no-print-directory -C $$d BUILD=$(BUILD) DESTDIR="$(DESTDIR)" prefix="$(PREFIX)" \
			$(if $(LIBDIR),libdir="$(LIBDIR)") install || exit 1; \
	done

install: modules_install tools_install

# packages for Debian, into build/deb
deb:
	@scripts/deb $(ARGS)

clean:
	rm -rf $(BUILD)

help:
	@echo 'all              modules, tools and GPU programs (default)'
	@echo 'modules          the kernel modules, into build/modules/NAME'
	@echo '                   KERNEL=NAME  for a kernel of scripts/kernel (debian-6.1 …)'
	@echo '                   KDIR=DIR     for any kernel build directory'
	@echo '                   O=DIR        build there; W=1 C=1 V=1 go to the kernel'"'"'s make'
	@echo 'tools            libvgpu, vgpuctl, selftests, into build/tools'
	@echo 'programs         GPU programs (RISC-V), into build/programs'
	@echo 'check            every test; check-fast: those that need no long VM'
	@echo 'soak             random tenants, guests, settings and deaths: SOAK=SECONDS SEED=N'
	@echo 'demo             the whole road, in a VM: two guests compute on one GPU'
	@echo 'picture          Documentation/top.svg anew: what vgpuctl top shows, in a VM'
	@echo 'bench, bench-X   measurements'
	@echo 'install          modules, tools, man page, headers, GPU programs (PREFIX, DESTDIR)'
	@echo 'modules_install  only the modules; for DKMS see dkms.conf'
	@echo 'tools_install    all but the modules'
	@echo 'deb              packages for Debian, into build/deb'
	@echo 'clean            delete build/'

.PHONY: all modules tools programs check check-fast soak demo picture bench modules_install tools_install install deb clean help $(TOOL_DIRS) $(PROGRAM_DIRS)
