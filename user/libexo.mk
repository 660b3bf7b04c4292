# SPDX-License-Identifier: MIT
# How the source of programs is compiled, for those of a protected build (programs.mk) and that of a
# flat one (flat.mk), and what every program is linked with: $(user-libs).

user-lib := lib/string.c lib/printf.c lib/elf.c lib/cpio.c lib/line_editor.c
user-libexo := $(filter-out user/libexo/offsets.c,$(sort $(wildcard user/libexo/*.c)))
user-asm := $(sort $(wildcard user/libexo/*.asm))
# The tests of the ABI as one program.
abi-test-sources := kernel/test/ktap.c $(filter-out $(if $(CONFIG_IPC),,tests/user/ipc_%), \
	$(sort $(wildcard tests/user/*.c)))

user-objects = $(patsubst %,$(objtree)/user/obj/%.o,$(patsubst %.c,%,$(1)))
user-libs := $(call user-objects,$(user-lib) $(user-libexo) $(user-asm))
user-offsets := $(objtree)/include/generated/user-offsets.inc

USER_CFLAGS := $(CC_TARGET) -m64 -O2 -std=gnu11 -ffreestanding -nostdinc -isystem $(compiler-include) \
	-Iuser/libexo/include -Iinclude -Iarch/x86_64/include -I$(objtree)/include -include include/exo/config.h \
	-ffile-prefix-map=$(objtree)/= '-ffile-prefix-map=$(CURDIR)=.' -fno-common \
	-ffunction-sections -fdata-sections -fno-strict-aliasing -fno-asynchronous-unwind-tables \
	-fno-ident -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none \
	$(if $(CONFIG_FPU_NONE),-mgeneral-regs-only) \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wvla -Wundef -Wpointer-arith \
	-Wwrite-strings -Wold-style-definition $(if $(CONFIG_DEBUG_INFO),-gdwarf-4) $(EXTRA_CFLAGS)
USER_CFLAGS_string := $(CFLAGS_string)
USER_CFLAGS_abi_fault := -mgeneral-regs-only

label-usercc := USERCC
cmd-usercc = $(CC) $(USER_CFLAGS) $(USER_CFLAGS_$(basename $(@F))) -MMD -MF $@.d -MT $@ -c -o $@.tmp $<
dep-usercc = $(fix-dependencies)
label-useroffsets := GEN   #
cmd-useroffsets = $(CC) $(USER_CFLAGS) -MMD -MF $@.d -MT $@ -S -o - $< | \
	sed -n 's/^.*@define \([A-Z_0-9]*\) \(-*[0-9]*\)".*/%define \1 (\2)/p' > $@.tmp && test -s $@.tmp
dep-useroffsets = $(fix-dependencies)

$(user-libs) $(user-offsets).raw: | $(fixdep) $(call-headers)
$(filter %.asm.o,$(user-libs)): | $(user-offsets)

$(objtree)/user/obj/%.o: %.c FORCE
	$(call run,usercc,$<)
$(objtree)/user/obj/%.asm.o: %.asm FORCE
	$(call run,nasm,$<)
$(user-offsets).raw: user/libexo/offsets.c FORCE
	$(call run,useroffsets)
$(user-offsets): $(user-offsets).raw
	@cmp -s $< $@ || { cp $< $@.tmp && mv $@.tmp $@; }

extra-targets += $(user-libs) $(user-offsets).raw
