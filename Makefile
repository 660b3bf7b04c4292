# SPDX-License-Identifier: MIT
# exo-kernel's build: one make process reads every directory's Makefile (obj-$(CONFIG_X) += file.o)
# and builds into $(O). `make help` lists the targets.
#
# How a rule decides to run: each target is rebuilt when a prerequisite is newer or when the command
# that made it differs from today's. Both are kept in TARGET.cmd, written after the target by way of
# a temporary file, so that an interrupted build leaves nothing that a later one would trust.
# Options: scripts/build/fixdep replaces the dependency on generated/autoconf.h by one on
# include/config/OPTION.h for each CONFIG_OPTION that a file mentions; Kconfig touches just the
# changed ones.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

VERSION := 0.1.0

O ?= build
V ?= 0
PYTHON ?= /usr/bin/python3
srctree := .
# Relative where it lies below the tree, so that each name of a directory gives the same commands.
objtree := $(patsubst %/,%,$(subst $(CURDIR)/,,$(O)))
Q := $(if $(filter 1,$(V)),,@)
export srctree

# --- configuration verbs -------------------------------------------------------------------------

config-verbs := menuconfig nconfig config oldconfig olddefconfig savedefconfig allnoconfig \
	allyesconfig randconfig listnewconfig
defconfigs := $(sort $(notdir $(wildcard defconfigs/*_defconfig)))
plain-goals := help clean distclean check-kconfig test matrix
config-goals := $(filter $(config-verbs) %_defconfig,$(MAKECMDGOALS))
build-goals := $(filter-out $(config-goals) $(plain-goals),$(or $(MAKECMDGOALS),all))

configure = $(PYTHON) scripts/kconfig/configure.py $(1) --kconfig Kconfig --objtree "$(objtree)" \
	--srctree . $(2)

.PHONY: $(config-verbs) FORCE
ifneq ($(and $(config-goals),$(build-goals)),)

# `make x86_64_defconfig all`: one goal after the other, each seeing what the last one configured.
.PHONY: $(MAKECMDGOALS) one-by-one
$(MAKECMDGOALS): one-by-one
	@:
one-by-one:
	$(Q)set -e; for goal in $(MAKECMDGOALS); do $(MAKE) "$$goal"; done

else

$(config-verbs):
	$(Q)$(call configure,$@)
%_defconfig: FORCE
	$(Q)$(call configure,defconfig,--defconfig "defconfigs/$@" $(foreach f,$(FRAGMENTS),--fragment "$(f)"))

endif

ifneq ($(if $(config-goals),,$(build-goals)),)
kconfig-files := $(wildcard Kconfig */Kconfig* */*/Kconfig* */*/*/Kconfig*)
$(objtree)/include/config/stamp.mk: $(wildcard $(objtree)/.config) $(kconfig-files)
	$(Q)$(call configure,sync)
	$(Q)echo 'include $$(objtree)/include/config/auto.conf' > $@.tmp && mv $@.tmp $@
include $(objtree)/include/config/stamp.mk
endif

ifneq ($(CONFIG_ARCH_X86_64),)
# The same output in every locale; the menus above keep the person's own.
export LC_ALL := C

# --- tools ---------------------------------------------------------------------------------------

have = $(shell command -v $(1) 2>/dev/null)
CROSS_COMPILE ?= $(if $(call have,x86_64-elf-gcc),x86_64-elf-,x86_64-linux-gnu-)
HOSTCC ?= $(or $(call have,gcc),$(call have,cc),gcc)
NASM ?= nasm
ifeq ($(LLVM),1)
CC := clang
CC_TARGET := --target=x86_64-unknown-none-elf
# Which lock guards what (exo/annotations.h).
CC_WARNINGS := -Wthread-safety
LD := ld.lld
NM := llvm-nm
STRIP := llvm-strip
OBJCOPY := llvm-objcopy
compiler-include = $(shell $(CC) -print-resource-dir)/include
compiler-package := clang lld llvm
else
CC := $(CROSS_COMPILE)gcc
# GCC's own limits.h wants a libc's behind it unless told that it came from there.
CC_TARGET := -D_LIBC_LIMITS_H_
CC_WARNINGS :=
LD := $(CROSS_COMPILE)ld
NM := $(CROSS_COMPILE)nm
STRIP := $(CROSS_COMPILE)strip
OBJCOPY := $(CROSS_COMPILE)objcopy
compiler-include = $(shell $(CC) -print-file-name=include)
compiler-package := gcc-x86-64-linux-gnu (or gcc on an amd64 host)
endif

need = $(if $(call have,$(1)),,$(error $(1) is not installed; it is in Debian's package $(2)))
$(call need,$(CC),$(compiler-package))
$(call need,$(LD),binutils (with LLVM=1: lld))
$(call need,$(NASM),nasm)
compiler-include := $(compiler-include)

# --- flags ---------------------------------------------------------------------------------------

include arch/x86_64/flags.mk
CFLAGS := $(CC_TARGET) -std=gnu11 -DEXO_KERNEL -ffreestanding -nostdinc -isystem $(compiler-include) \
	-Iinclude -Iarch/x86_64/include -I$(objtree)/include -include include/exo/config.h \
	-ffile-prefix-map=$(objtree)/= '-ffile-prefix-map=$(CURDIR)=.' -fno-common -ffunction-sections -fdata-sections \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -fno-ident \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wpointer-arith -Wwrite-strings -Wold-style-definition $(CC_WARNINGS) $(ARCH_CFLAGS)
CFLAGS += $(if $(CONFIG_CC_OPTIMIZE_SIZE),$(if $(filter 1,$(LLVM)),-Oz,-Os) -fno-jump-tables)$(if $(CONFIG_CC_OPTIMIZE_SPEED),-O2)
CFLAGS += $(if $(CONFIG_CC_OPTIMIZE_DEBUG),-Og)
CFLAGS += $(if $(CONFIG_DEBUG_INFO),-gdwarf-4)
CFLAGS += $(if $(CONFIG_FRAME_POINTER),-fno-omit-frame-pointer -fno-optimize-sibling-calls,-fomit-frame-pointer)
CFLAGS += $(if $(CONFIG_UBSAN),-fsanitize=undefined -fsanitize-undefined-trap-on-error)
CFLAGS += $(if $(CONFIG_STACK_PROTECTOR),-fstack-protector-strong -mstack-protector-guard=global,-fno-stack-protector)
CFLAGS += $(EXTRA_CFLAGS)
NASMFLAGS := -f elf64 -w+error -I$(objtree)/include/ -Iarch/x86_64/
LDFLAGS := -nostdlib -static -z max-page-size=4096 -z noexecstack --gc-sections --build-id=none \
	--orphan-handling=error

# --- what to build -------------------------------------------------------------------------------

# descend DIR: adds DIR's objects to kernel-objs, then those of the subdirectories that it names.
define descend
obj := $(objtree)/$(1)
src := $(1)
obj-y :=
include $(1)/Makefile
kernel-objs += $$(addprefix $(objtree)/$(1)/,$$(filter %.o,$$(obj-y)))
$$(foreach sub,$$(patsubst %/,%,$$(filter %/,$$(obj-y))),$$(eval $$(call descend,$(1)/$$(sub))))
endef

kernel-objs :=
extra-targets :=
top-dirs := arch/x86_64 lib mm kernel ipc drivers user tests
$(foreach dir,$(top-dirs),$(if $(wildcard $(dir)/Makefile),$(eval $(call descend,$(dir)))))
kernel-objs := $(sort $(kernel-objs))

kernel := $(objtree)/exo-kernel.elf
iso := $(objtree)/exo-kernel.iso
link-script := $(objtree)/arch/x86_64/linker.ld
asm-offsets := $(objtree)/include/generated/asm-offsets.inc \
	$(if $(CONFIG_IPC_FASTPATH),$(objtree)/include/generated/sched-offsets.inc)
fixdep := $(objtree)/scripts/fixdep
symbol-objs := $(if $(CONFIG_SYMBOLS),$(objtree)/kernel/symbol_table.asm.o)
late-objs := $(symbol-objs) $(if $(CONFIG_KASLR),$(objtree)/arch/x86_64/relocation_table.asm.o)
version-header := $(objtree)/include/generated/version.h

.PHONY: all iso
all: $(kernel)
iso: $(iso)

# --- running a command only when it must ---------------------------------------------------------

quote := '
hash := \#
escape = $(subst $(quote),'\$(quote)',$(subst $(hash),\$(hash),$(subst $$,$$$$,$(1))))
same-command = $(and $(cmd_$@),$(filter 1,$(words $(sort \
	$(subst $() ,~,$(strip $(1))) $(subst $() ,~,$(strip $(cmd_$@)))))))
must-run = $(filter-out FORCE,$?)$(filter-out FORCE $(wildcard $^),$^)$(if $(call same-command,$(1)),,changed)
show = $(if $(filter 1,$(V)),printf '%s\n' '$(subst $(quote),'\$(quote)',$(cmd-$(1)))';,echo '  $(label-$(1))  $(patsubst $(objtree)/%,%,$(or $(2),$@))';)
save-command = printf '%s\n' 'cmd_$@ := $(call escape,$(1))' >> $@.cmd.tmp && mv $@.cmd.tmp $@.cmd

# run NAME[,WHAT]: cmd-NAME must write $@.tmp; dep-NAME, if any, writes the dependencies.
run = $(if $(call must-run,$(cmd-$(1))),@mkdir -p $(@D); $(call show,$(1),$(2)) rm -f $@.cmd; \
	$(cmd-$(1)) && $(or $(dep-$(1)),: > $@.cmd.tmp) && mv $@.tmp $@ && \
	$(call save-command,$(cmd-$(1))))
fix-dependencies = $(fixdep) $@.d $@ $(objtree) > $@.cmd.tmp && rm -f $@.d

label-cc := CC    #
cmd-cc = $(CC) $(CFLAGS) $(CFLAGS_$(basename $(@F))) -MMD -MF $@.d -MT $@ -c -o $@.tmp $<
dep-cc = $(fix-dependencies)
# A generated source comes by standard input: NASM would put its path, and so O, into the object.
label-nasm-generated := NASM  #
cmd-nasm-generated = $(NASM) $(NASMFLAGS) -o $@.tmp /dev/stdin < $<
label-nasm := NASM  #
# Dependencies by a run of their own: NASM 2.16's -MD leaves out included files, its -M does not.
cmd-nasm = $(NASM) $(NASMFLAGS) -M -MF $@.d -MT $@ $< && $(NASM) $(NASMFLAGS) -o $@.tmp $<
dep-nasm = $(fix-dependencies)
label-offsets := GEN   #
cmd-offsets = $(CC) $(CFLAGS) -MMD -MF $@.d -MT $@ -S -o - $< | \
	sed -n 's/^.*@define \([A-Z_0-9]*\) \(-*[0-9]*\)".*/%define \1 (\2)/p' > $@.tmp && test -s $@.tmp
dep-offsets = $(fix-dependencies)
label-cpp := CPP   #
cmd-cpp = $(CC) $(CFLAGS) -E -P -x c -D__LINKER__ -MMD -MF $@.d -MT $@ -o $@.tmp $<
dep-cpp = $(fix-dependencies)
label-hostcc := HOSTCC#
cmd-hostcc = $(HOSTCC) -O1 -Wall -Wextra -o $@.tmp $<
label-ld := LD    #
cmd-ld = $(LD) $(LDFLAGS) -T $(link-script) -o $@.tmp $(filter %.o,$^)
label-ld-relocs := LD    #
cmd-ld-relocs = $(LD) $(LDFLAGS) --emit-relocs -T $(link-script) -o $@.tmp $(filter %.o,$^)
label-ld-kernel := LD    #
cmd-ld-kernel = $(cmd-ld)$(if $(CONFIG_KASLR), && \
	$(PYTHON) scripts/build/relocations.py check $(objtree)/exo-kernel.2.elf $@.tmp)
label-relocations := GEN   #
cmd-relocations = $(PYTHON) scripts/build/relocations.py table $< > $@.tmp
label-symbols := GEN   #
cmd-symbols = $(NM) -n $< | $(PYTHON) scripts/build/symbol_table.py > $@.tmp
label-config := GEN   #
cmd-config = { echo EXO_CONFIG_BEGIN; grep -E '^(CONFIG_|\# CONFIG_.* is not set)' $<; \
	echo EXO_CONFIG_END; } > $@.tmp
label-version := GEN   #
cmd-version = printf '\#define EXO_VERSION "%s"\n' $(VERSION) > $@.tmp
label-iso := ISO   #
cmd-iso = scripts/build/make_iso.sh $(kernel) $@.tmp "$(CMDLINE)" $(MODULES)

label-calls := GEN   #
cmd-calls = $(PYTHON) scripts/build/calls.py $(patsubst calls_%.h,%,$(@F)) $< > $@.tmp

label-abi := GEN   #
cmd-abi = $(PYTHON) scripts/build/calls.py doc $< > $@.tmp

call-headers := $(patsubst %,$(objtree)/include/generated/calls_%.h,numbers kernel table user kinds)
generated := $(asm-offsets) $(version-header) $(call-headers)
$(kernel-objs) $(late-objs) $(asm-offsets:=.raw) $(link-script): | $(fixdep)
$(kernel-objs): | $(generated)

$(objtree)/%.o: %.c FORCE
	$(call run,cc,$<)
$(objtree)/%.o: $(objtree)/%.c FORCE
	$(call run,cc,$<)
$(objtree)/%.asm.o: %.asm FORCE
	$(call run,nasm,$<)
$(objtree)/%.asm.o: $(objtree)/%.asm FORCE
	$(call run,nasm-generated,$<)
# Another compiler flag makes the same constants: what assembles them is then left alone.
$(objtree)/include/generated/asm-offsets.inc.raw: arch/x86_64/asm_offsets.c FORCE
	$(call run,offsets)
$(objtree)/include/generated/sched-offsets.inc.raw: kernel/sched/offsets.c FORCE
	$(call run,offsets)
$(asm-offsets): %: %.raw
	@cmp -s $< $@ || { cp $< $@.tmp && mv $@.tmp $@; }
$(link-script): arch/x86_64/linker.ld FORCE
	$(call run,cpp)
$(fixdep): scripts/build/fixdep.c FORCE
	$(call run,hostcc)
$(version-header): FORCE
	$(call run,version)
$(call-headers): kernel/syscall/calls.table scripts/build/calls.py FORCE
	$(call run,calls)
# The manual page of the calls; the same rule as their headers.
$(objtree)/docs/abi.md: kernel/syscall/calls.table scripts/build/calls.py FORCE
	$(call run,abi)
$(objtree)/kernel/config_text.txt: $(objtree)/.config FORCE
	$(call run,config)

# With CONFIG_SYMBOLS the kernel is linked twice: the table made from the first link comes after all
# code, so no function moves in the second. With CONFIG_KASLR there is another link before the last:
# the table made from that one comes after all that is not zero, so nothing that it is about moves.
$(objtree)/exo-kernel.1.elf: $(kernel-objs) $(link-script) FORCE
	$(call run,ld)
$(objtree)/kernel/symbol_table.asm: $(objtree)/exo-kernel.1.elf scripts/build/symbol_table.py FORCE
	$(call run,symbols)
$(objtree)/exo-kernel.2.elf: $(kernel-objs) $(symbol-objs) $(link-script) FORCE
	$(call run,ld-relocs)
$(objtree)/arch/x86_64/relocation_table.asm: $(objtree)/exo-kernel.2.elf scripts/build/relocations.py FORCE
	$(call run,relocations)
$(kernel): $(kernel-objs) $(late-objs) $(link-script) FORCE
	$(call run,ld-kernel)
$(iso): $(kernel) $(MODULES) scripts/build/make_iso.sh FORCE
	$(call run,iso)

ifeq ($(CONFIG_PROTECTED),y)
include user/programs.mk
else ifeq ($(CONFIG_FLAT_OBJECTS),y)
include user/flat.mk
endif

saved-commands := $(patsubst %,%.cmd,$(kernel-objs) $(late-objs) $(late-objs:.o=) $(generated) $(asm-offsets:=.raw) $(link-script) \
	$(kernel) $(iso) $(fixdep) $(objtree)/exo-kernel.1.elf $(objtree)/exo-kernel.2.elf $(objtree)/kernel/config_text.txt $(objtree)/docs/abi.md $(extra-targets))
-include $(wildcard $(saved-commands))

# --- tools on a build ----------------------------------------------------------------------------

include scripts/build/targets.mk
endif

include scripts/build/help.mk

FORCE:
