# SPDX-License-Identifier: MIT
# The programs of a protected build: each user/programs/NAME.c, and with CONFIG_EXAMPLES each
# user/examples/NAME.c, linked with what it needs of libexo and lib to $(O)/user/NAME, and all of them
# without symbols, with init.conf and the files of PROGRAMS=, in $(O)/programs.cpio.

include user/libexo.mk

user-sources := $(sort $(wildcard user/programs/*.c)) \
	$(if $(CONFIG_EXAMPLES),$(sort $(wildcard user/examples/*.c)))
# What the tests of the ABI start.
abi-child-sources := $(filter-out %/abi-ipc.c,$(sort $(wildcard tests/user/programs/abi-*.c))) \
	$(if $(CONFIG_IPC),tests/user/programs/abi-ipc.c tests/user/ipc_worker.c)
fuzz-sources := $(sort $(wildcard tests/user/programs/fuzz*.c))
# The benchmarks of the ABI, as one.
abi-bench-sources := kernel/bench/bench.c $(sort $(wildcard tests/user/bench/*.c))
user-tests := $(if $(CONFIG_TESTS),abi-test abi-child fuzz) $(if $(CONFIG_BENCH),abi-bench)

user-files = user/init.conf $(linux-programs) $(if $(CONFIG_TESTS),$(linux-expected))

ifeq ($(CONFIG_TESTS),y)
include user/linux.mk
endif

user-mains := $(call user-objects,$(user-sources) $(foreach t,$(user-tests),$($(t)-sources)))
user-programs := $(addprefix $(objtree)/user/,$(basename $(notdir $(user-sources))) $(user-tests))
user-stripped := $(patsubst $(objtree)/user/%,$(objtree)/user/stripped/%,$(user-programs))

USER_CFLAGS_abi-share := -mgeneral-regs-only
USER_CFLAGS_bench_memory := -mgeneral-regs-only
USER_CFLAGS_bench_ipc := -mgeneral-regs-only
USER_CFLAGS_bench_sampler := -mgeneral-regs-only
# Upcall handlers that return.
USER_CFLAGS_paging := -mgeneral-regs-only
USER_CFLAGS_uthreads := -mgeneral-regs-only
# Below 2 GiB, as all code is, and out of the way of the programs that it loads.
USER_CFLAGS_linux := -mgeneral-regs-only
USER_LDFLAGS_linux := --defsym=PROGRAM_BASE=0x70000000
USER_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --build-id=none

label-userld := USERLD
cmd-userld = $(LD) $(USER_LDFLAGS) $(USER_LDFLAGS_$(@F)) -T user/program.ld -o $@.tmp $(filter %.o,$^)
label-strip := STRIP #
cmd-strip = $(STRIP) -o $@.tmp $<
label-cpio := CPIO  #
cmd-cpio = $(PYTHON) scripts/build/cpio.py $(user-stripped) $(user-files) $(PROGRAMS) > $@.tmp

all: $(user-programs) $(objtree)/programs.cpio

$(user-mains): | $(fixdep) $(call-headers)

$(user-programs): $(user-libs) user/program.ld FORCE
	$(call run,userld)
$(foreach f,$(user-sources),$(eval $(objtree)/user/$(basename $(notdir $f)): $(call user-objects,$f)))
$(objtree)/user/abi-test: $(call user-objects,$(abi-test-sources))
$(objtree)/user/abi-child: $(call user-objects,$(abi-child-sources))
$(objtree)/user/abi-bench: $(call user-objects,$(abi-bench-sources))
$(objtree)/user/fuzz: $(call user-objects,$(fuzz-sources))
$(user-stripped): $(objtree)/user/stripped/%: $(objtree)/user/% FORCE
	$(call run,strip)
$(objtree)/programs.cpio: $(user-stripped) $(user-files) $(PROGRAMS) scripts/build/cpio.py FORCE
	$(call run,cpio)

# A person's own program, from anywhere: make program SOURCE=FILE.c
ifneq ($(SOURCE),)
own-program := $(objtree)/user/own/$(basename $(notdir $(SOURCE)))
.PHONY: program
program: $(own-program)
$(own-program).o: $(SOURCE) FORCE | $(fixdep) $(call-headers)
	$(call run,usercc,$<)
$(own-program): $(own-program).o $(user-libs) user/program.ld FORCE
	$(call run,userld)
extra-targets += $(own-program) $(own-program).o
endif

extra-targets += $(user-mains) $(user-programs) $(user-stripped) \
	$(objtree)/programs.cpio
