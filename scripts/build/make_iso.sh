#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the ISO that boots a kernel under BIOS and under UEFI, by GRUB and multiboot2.
#
#   make_iso.sh KERNEL_ELF OUT.iso ["command line"] [MODULE_FILE...]
#
# The same input gives the same bytes, whatever the day, the machine and the directory:
# - grub-mkrescue takes its times from SOURCE_DATE_EPOCH, xorriso from the two -volume_date settings;
# - the serial number of the EFI system partition is random, unless mformat gets -N 0: a mformat in
#   front of PATH adds that;
# - GRUB 2.12 names a file after the current time: faketime stops the clock for it;
# - the files get one date and one mode before they are packed; FAT keeps local time, so TZ is UTC.
# The image is written beside OUT.iso and renamed at the end, so OUT.iso is never half an image.
set -euo pipefail
export LC_ALL=C TZ=UTC0

epoch=${SOURCE_DATE_EPOCH:-1700000000}
export SOURCE_DATE_EPOCH=$epoch

fail() {
	echo "make_iso.sh: $1" >&2
	exit 1
}

# need_command COMMAND PACKAGE
need_command() {
	command -v "$1" >/dev/null || fail "$1 is missing: install the Debian package $2"
}

# need_modules PLATFORM PACKAGE: GRUB's files for one firmware.
need_modules() {
	[ -e "/usr/lib/grub/$1/multiboot2.mod" ] ||
		fail "GRUB has no modules for $1 (/usr/lib/grub/$1): install the Debian package $2"
}

# Writes each word of the command line as a GRUB word of its own.
quoted_words() {
	local word quote="'\\''"
	for word in $1; do
		printf " '%s'" "${word//\'/$quote}"
	done
}

write_menu() {
	local command_line=$1 module
	shift
	echo "set timeout=0"
	echo "set default=0"
	echo "insmod all_video"
	echo "menuentry 'exo-kernel' {"
	echo "	multiboot2 /boot/exo-kernel.elf$(quoted_words "$command_line")"
	for module in "$@"; do
		echo "	module2 '/boot/modules/$module' '$module'"
	done
	echo "}"
}

if [ $# -lt 2 ]; then
	echo "usage: make_iso.sh KERNEL_ELF OUT.iso [\"command line\"] [MODULE_FILE...]" >&2
	exit 2
fi
kernel=$1 out=$2 command_line=${3-}
shift $(($# < 3 ? $# : 3))

need_command grub-mkrescue grub-common
need_command xorriso xorriso
need_command mformat mtools
need_command faketime faketime
need_modules i386-pc grub-pc-bin
need_modules x86_64-efi grub-efi-amd64-bin
[ -r "$kernel" ] || fail "cannot read the kernel $kernel: build it first (make)"
grub-file --is-x86-multiboot2 "$kernel" ||
	fail "$kernel has no multiboot2 header, which GRUB needs: set CONFIG_BOOT_MULTIBOOT2=y"

work=$(mktemp -d)
trap 'rm -rf "$work" "$out.part"' EXIT

mkdir -p "$work/iso/boot/grub" "$work/bin"
cp "$kernel" "$work/iso/boot/exo-kernel.elf"
names=()
for module in "$@"; do
	name=$(basename "$module")
	[ -r "$module" ] || fail "cannot read the module $module"
	[ ! -e "$work/iso/boot/modules/$name" ] || fail "two modules have the name $name"
	case $name in *[\'\ ]*) fail "a module's name cannot hold a blank or a quote: $name" ;; esac
	mkdir -p "$work/iso/boot/modules"
	cp "$module" "$work/iso/boot/modules/$name"
	names+=("$name")
done
write_menu "$command_line" ${names[@]+"${names[@]}"} >"$work/iso/boot/grub/grub.cfg"

printf '#!/bin/sh\nexec "%s" -N 0 "$@"\n' "$(command -v mformat)" >"$work/bin/mformat"
chmod 755 "$work/bin/mformat"
find "$work/iso" -exec touch -h -d "@$epoch" {} +
find "$work/iso" -type f -exec chmod 644 {} + -o -type d -exec chmod 755 {} +

volume_date=$(date -u -d "@$epoch" +%Y%m%d%H%M%S00)
frozen_time=$(date -u -d "@$epoch" '+%Y-%m-%d %H:%M:%S')
if ! PATH="$work/bin:$PATH" faketime -f "$frozen_time" grub-mkrescue -o "$out.part" --locales= --themes= --fonts= \
	--compress=no "$work/iso" -- -volume_date uuid "$volume_date" \
	-volume_date all_file_dates "=$epoch" >"$work/log" 2>&1; then
	cat "$work/log" >&2
	fail "grub-mkrescue could not make $out"
fi
mv -f "$out.part" "$out"
