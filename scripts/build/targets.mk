# SPDX-License-Identifier: MIT
# Targets that use a finished build: sizes, editor support, running, debugging, measuring.

.PHONY: size run gdb bench abi

abi: $(objtree)/docs/abi.md

size: $(kernel)
	$(Q)$(PYTHON) -B scripts/exo size $(kernel)

run: $(iso)
	$(Q)scripts/run --build "$(objtree)"

gdb: $(iso)
	$(Q)scripts/run --build "$(objtree)" --gdb

bench: $(kernel)
	$(Q)scripts/bench --build "$(objtree)"

compile_commands.json: $(kernel)
	$(Q)$(PYTHON) scripts/build/compile_commands.py $(objtree) > $@.tmp && mv $@.tmp $@
	@echo '  GEN     $@'
