# SPDX-License-Identifier: MIT
# The program of a flat build (CONFIG_FLAT_OBJECTS): compiled as for a protected one, but for the
# kernel's addresses and mode; linked with libexo and lib to one object whose names are its own, so that
# its strcpy() is not the kernel's; and that goes into the image. What it has in common with the kernel
# is program_start, where its first thread begins, and exo_flat_call, which each call goes through.

include user/libexo.mk

flat-name := $(subst ",,$(CONFIG_FLAT_PROGRAM))
ifneq ($(SOURCE),)
# A person's own program, from anywhere: make program SOURCE=FILE.c
flat-objects := $(objtree)/user/own/$(basename $(notdir $(SOURCE))).o
$(flat-objects): $(SOURCE) FORCE | $(fixdep) $(call-headers)
	$(call run,usercc,$<)
.PHONY: program
program: $(kernel)
else
flat-sources := $(wildcard user/programs/$(flat-name).c)
ifeq ($(flat-name)$(CONFIG_TESTS),abi-testy)
flat-sources := $(abi-test-sources)
endif
flat-objects := $(call user-objects,$(flat-sources))
$(flat-objects): | $(fixdep) $(call-headers)
endif

USER_CFLAGS += -DEXO_FLAT -mno-red-zone -mcmodel=kernel
$(filter %.asm.o,$(user-libs)): private NASMFLAGS += -dEXO_FLAT
USER_CFLAGS_start := '-DEXO_ROOT_NAME="$(if $(SOURCE),$(basename $(notdir $(SOURCE))),$(flat-name))"'

flat-program := $(objtree)/user/flat_program.o
label-flatld := USERLD
cmd-flatld = $(LD) -r -z noexecstack -T user/flat.ld -o $@.tmp $(filter %.o,$^)
label-flatlocal := LOCAL #
cmd-flatlocal = $(OBJCOPY) --keep-global-symbol=program_start $< $@.tmp

$(flat-program:.o=.all.o): $(flat-objects) $(user-libs) user/flat.ld FORCE
	$(if $(flat-objects),,$(error CONFIG_FLAT_PROGRAM="$(flat-name)": there is no user/programs/$(flat-name).c))
	$(call run,flatld)
$(flat-program): $(flat-program:.o=.all.o) FORCE
	$(call run,flatlocal)

extra-targets += $(flat-objects) $(flat-program:.o=.all.o)
