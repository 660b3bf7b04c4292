# SPDX-License-Identifier: MIT
# The programs of a protected build: each user/programs/NAME.c, linked with what it needs of libexo
# and lib to $(O)/user/NAME, and all of them without symbols, with init.conf and the files of PROGRAMS=,
# in $(O)/programs.cpio.

user-lib := lib/string.c lib/printf.c lib/elf.c lib/cpio.c lib/line_editor.c
user-libexo := $(filter-out user/libexo/offsets.c,$(sort $(wildcard user/libexo/*.c)))
user-asm := $(sort $(wildcard user/libexo/*.asm))
user-sources := $(sort $(wildcard user/programs/*.c))
# The tests of the ABI as one program, and those that they start.
abi-test-sources := kernel/test/ktap.c $(sort $(wildcard tests/user/*.c))
abi-child-sources := tests/user/programs/abi-child.c tests/user/programs/abi-share.c
fuzz-sources := $(sort $(wildcard tests/user/programs/fuzz*.c))
# The benchmarks of the ABI, as one.
abi-bench-sources := kernel/bench/bench.c $(sort $(wildcard tests/user/bench/*.c))
user-tests := $(if $(CONFIG_TESTS),abi-test abi-child fuzz) $(if $(CONFIG_BENCH),abi-bench)

user-files = user/init.conf $(linux-programs) $(if $(CONFIG_TESTS),$(linux-expected))

ifeq ($(CONFIG_TESTS),y)
include user/linux.mk
endif

user-objects = $(patsubst %,$(objtree)/user/obj/%.o,$(patsubst %.c,%,$(1)))
user-libs := $(call user-objects,$(user-lib) $(user-libexo) $(user-asm))
user-mains := $(call user-objects,$(user-sources) $(foreach t,$(user-tests),$($(t)-sources)))
user-programs := $(patsubst user/programs/%.c,$(objtree)/user/%,$(user-sources)) \
	$(addprefix $(objtree)/user/,$(user-tests))
user-stripped := $(patsubst $(objtree)/user/%,$(objtree)/user/stripped/%,$(user-programs))
user-offsets := $(objtree)/include/generated/user-offsets.inc

USER_CFLAGS := $(CC_TARGET) -m64 -O2 -std=gnu11 -ffreestanding -nostdinc -isystem $(compiler-include) \
	-Iuser/libexo/include -Iinclude -Iarch/x86_64/include -I$(objtree)/include -include include/exo/config.h \
	-ffile-prefix-map=$(objtree)/= '-ffile-prefix-map=$(CURDIR)=.' -fno-common \
	-ffunction-sections -fdata-sections -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fno-ident -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wvla -Wundef -Wpointer-arith \
	-Wwrite-strings -Wold-style-definition $(if $(CONFIG_DEBUG_INFO),-gdwarf-4) $(EXTRA_CFLAGS)
USER_CFLAGS_string := $(CFLAGS_string)
USER_CFLAGS_abi_fault := -mgeneral-regs-only
USER_CFLAGS_abi-share := -mgeneral-regs-only
USER_CFLAGS_bench_memory := -mgeneral-regs-only
# Below 2 GiB, as all code is, and out of the way of the programs that it loads.
USER_CFLAGS_linux := -mgeneral-regs-only
USER_LDFLAGS_linux := --defsym=PROGRAM_BASE=0x70000000
USER_LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --build-id=none

label-usercc := USERCC
cmd-usercc = $(CC) $(USER_CFLAGS) $(USER_CFLAGS_$(basename $(@F))) -MMD -MF $@.d -MT $@ -c -o $@.tmp $<
dep-usercc = $(fix-dependencies)
label-useroffsets := GEN   #
cmd-useroffsets = $(CC) $(USER_CFLAGS) -MMD -MF $@.d -MT $@ -S -o - $< | \
	sed -n 's/^.*@define \([A-Z_0-9]*\) \(-*[0-9]*\)".*/%define \1 (\2)/p' > $@.tmp && test -s $@.tmp
dep-useroffsets = $(fix-dependencies)
label-userld := USERLD
cmd-userld = $(LD) $(USER_LDFLAGS) $(USER_LDFLAGS_$(@F)) -T user/program.ld -o $@.tmp $(filter %.o,$^)
label-strip := STRIP #
cmd-strip = $(STRIP) -o $@.tmp $<
label-cpio := CPIO  #
cmd-cpio = $(PYTHON) scripts/build/cpio.py $(user-stripped) $(user-files) $(PROGRAMS) > $@.tmp

all: $(user-programs) $(objtree)/programs.cpio

$(user-libs) $(user-mains) $(user-offsets).raw: | $(fixdep) $(call-headers)
$(filter %.asm.o,$(user-libs)): | $(user-offsets)

$(objtree)/user/obj/%.o: %.c FORCE
	$(call run,usercc,$<)
$(objtree)/user/obj/%.asm.o: %.asm FORCE
	$(call run,nasm,$<)
$(user-offsets).raw: user/libexo/offsets.c FORCE
	$(call run,useroffsets)
$(user-offsets): $(user-offsets).raw
	@cmp -s $< $@ || { cp $< $@.tmp && mv $@.tmp $@; }
$(user-programs): $(user-libs) user/program.ld FORCE
	$(call run,userld)
$(patsubst user/programs/%.c,$(objtree)/user/%,$(user-sources)): \
	$(objtree)/user/%: $(objtree)/user/obj/user/programs/%.o
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

extra-targets += $(user-libs) $(user-mains) $(user-offsets).raw $(user-programs) $(user-stripped) \
	$(objtree)/programs.cpio
