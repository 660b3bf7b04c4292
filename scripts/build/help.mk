# SPDX-License-Identifier: MIT
# Targets that need no configuration: help, cleaning, checks, the test runner.

.PHONY: help clean distclean check-kconfig test matrix

help:
	@echo 'Configure (O=DIR puts everything into DIR instead of build/):'
	@echo '  menuconfig        change the configuration in menus'
	@echo '  nconfig           the same with function keys'
	@echo '  config            ask about every option'
	@echo '  oldconfig         ask about options that are new since .config was written'
	@echo '  olddefconfig      take the defaults for them'
	@echo '  listnewconfig     list them'
	@echo '  savedefconfig     write the shortest equivalent to $$O/defconfig'
	@echo '  allnoconfig       everything off that can be off'
	@echo '  allyesconfig      everything on that can be on'
	@echo '  randconfig        random answers; KCONFIG_SEED=N repeats them'
	@$(foreach d,$(defconfigs),printf '  %-27s %s\n' '$(d)' "$$(sed -n 's/^| `$(d)` | *\(.*[^ ]\) *|$$/\1/p' defconfigs/README.md)";)
	@echo '  (FRAGMENTS="a.config b.config" with a defconfig: put these values on top)'
	@echo
	@echo 'Build (-jN in parallel, V=1 for whole commands):'
	@echo '  all               the kernel, $$O/exo-kernel.elf'
	@echo '  iso               a GRUB image for BIOS and UEFI, $$O/exo-kernel.iso'
	@echo '                    (CMDLINE="words" for the kernel, MODULES="files")'
	@echo '  size              sizes of the image by section'
	@echo '  abi               the manual page of the system calls, $$O/docs/abi.md'
	@echo '  compile_commands.json   for editors and analysers'
	@echo '  clean             remove what was built, keep the configuration'
	@echo '  distclean         remove $$O altogether'
	@echo
	@echo 'Run:'
	@echo '  run               boot the ISO in QEMU, console on the terminal'
	@echo '  gdb               the same, waiting for gdb before the first instruction'
	@echo '  bench             measure this configuration'
	@echo
	@echo 'Check:'
	@echo '  check-kconfig     the Kconfig tree and the defconfigs'
	@echo '  test              every test (scripts/test)'
	@echo '  matrix            build and boot many configurations (scripts/matrix)'
	@echo
	@echo 'Variables: O= V=1 CROSS_COMPILE= LLVM=1 (clang, lld) EXTRA_CFLAGS= KCONFIG_SEED= FONT='
	@echo '           PROGRAMS= (files for the archive of programs)'

# Only a directory that a configuration verb made is ever removed.
clean distclean:
	@if [ -e '$(objtree)' ] && [ ! -e '$(objtree)/.config' ] && [ ! -d '$(objtree)/include/config' ]; \
	then echo '$(objtree) is no build directory of this project; nothing removed' >&2; exit 1; fi
	$(Q)$(if $(filter distclean,$@),rm -rf '$(objtree)',if [ -d '$(objtree)' ]; then \
		find '$(objtree)' -mindepth 1 -maxdepth 1 ! -name .config -exec rm -rf {} +; fi)

check-kconfig:
	$(Q)$(PYTHON) scripts/kconfig/lint.py --kconfig Kconfig --srctree .
	$(Q)$(PYTHON) scripts/kconfig/check_defconfigs.py --kconfig Kconfig --srctree .

test:
	$(Q)scripts/test
matrix:
	$(Q)scripts/matrix
