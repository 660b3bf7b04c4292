# SPDX-License-Identifier: MIT
# Programs for Linux that tests/user/linux_test.c runs under user/programs/linux.c: one source, made by
# musl and by glibc, at a fixed address and static-PIE. Each is run here as well, on the Linux that
# builds, and must print hello.expected and end with 42; so what the tests expect is what Linux does.
#
# They are part of no build but that of the tests, and only where this machine can make and run them.
# The archive lacks what is missing, and the tests of it are skipped.

linux-source := tests/user/linux/hello.c
linux-expected := tests/user/linux/hello.expected
linux-musl-pie-objects := $(addprefix $(firstword $(patsubst %rcrt1.o,%,$(wildcard \
	$(addsuffix /rcrt1.o,/usr/lib/x86_64-linux-musl /usr/lib/musl/lib /usr/local/musl/lib)))), \
	rcrt1.o crti.o crtn.o)

LINUX_CFLAGS := -O2 -std=gnu11 -Wall -Wextra -Werror -s -static
linux-cc-musl := musl-gcc $(LINUX_CFLAGS)
# Debian's musl-gcc has no -static-pie: what the option stands for is said in its place.
linux-cc-musl-pie := musl-gcc $(LINUX_CFLAGS) -fPIE -nostartfiles \
	-Wl,-pie,--no-dynamic-linker,-z,text $(linux-musl-pie-objects)
linux-cc-glibc := $(HOSTCC) $(LINUX_CFLAGS)
linux-cc-glibc-pie := $(HOSTCC) $(filter-out -static,$(LINUX_CFLAGS)) -fPIE -static-pie

# What each needs, by its file: there is no such file, or this is no x86-64.
linux-machine := $(filter x86_64,$(shell uname -m))
linux-musl-gcc := $(if $(linux-machine),$(call have,musl-gcc))
linux-file = $(if $(linux-machine),$(wildcard $(shell $(HOSTCC) -print-file-name=$(1))))
linux-has-musl := $(linux-musl-gcc)
linux-has-musl-pie := $(and $(linux-musl-gcc),$(filter /%,$(linux-musl-pie-objects)))
linux-has-glibc := $(call linux-file,libc.a)
linux-has-glibc-pie := $(and $(linux-has-glibc),$(call linux-file,rcrt1.o))
linux-kinds := musl musl-pie glibc glibc-pie
linux-missing := $(strip $(foreach kind,$(linux-kinds),$(if $(linux-has-$(kind)),,$(kind))))
ifneq ($(linux-missing),)
$(info The tests of Linux programs will skip $(linux-missing): this wants an x86-64 host with \
	musl-gcc (Debian: musl-tools) and a static C library (libc6-dev))
endif

linux-programs := $(addprefix $(objtree)/user/linux-,$(filter-out $(linux-missing),$(linux-kinds)))

label-linuxcc := LINUXCC
cmd-linuxcc = $(linux-cc-$(patsubst linux-%,%,$(@F))) -o $@.tmp $(linux-source) -lm && \
	{ $@.tmp one 'two words' < /dev/null > $@.output; test $$? = 42; } && \
	cmp $@.output $(linux-expected)

$(linux-programs): $(linux-source) $(linux-expected) FORCE
	$(call run,linuxcc)
extra-targets += $(linux-programs)
