# SPDX-License-Identifier: MIT
# Compiler flags that x86_64 kernel code needs whatever the configuration: no vector registers (they
# belong to threads), no red zone (interrupts use the same stack), addresses in the top 2 GiB. Without
# vector registers nothing needs a stack aligned to more than 8 bytes.
# Calls through pointers without a guess of the target (CONFIG_RETPOLINE), and no switch by a table.
gcc-retpoline := -mindirect-branch=thunk -mindirect-branch-register
ARCH_CFLAGS := -m64 -mno-red-zone -mgeneral-regs-only -mcmodel=kernel -fno-pic -fno-pie \
	-fcf-protection=none $(if $(filter 1,$(LLVM)),-mstack-alignment=8,-mpreferred-stack-boundary=3) \
	$(if $(CONFIG_RETPOLINE),-fno-jump-tables $(if $(filter 1,$(LLVM)),-mretpoline,$(gcc-retpoline)))
