# SPDX-License-Identifier: MIT
# Which Debian packages this project needs, and how a script gets those that are missing. Sourced
# by scripts/run and scripts/test before anything else, so it uses nothing but POSIX sh.
#
#	. scripts/packages.sh
#	need_packages build run		# one or more of the words in the last column

# What is needed (a command, or a file when it begins with /; * is allowed; several: any of them) |
# Debian package | why | for whom (build: make; run: scripts/run; test: scripts/test; native: scripts/native; fresh: --fresh)
# CLANG stands for the version of clang that this Debian has.
package_table() {
	cat <<-'END'
	make | make | runs the build | build
	x86_64-elf-gcc x86_64-linux-gnu-gcc | GCC | compiles the kernel | build
	gcc cc | gcc | compiles the build's own tools | build
	/usr/include/stdio.h | libc6-dev | the build's own tools need the C library's headers | build
	x86_64-elf-ld x86_64-linux-gnu-ld | BINUTILS | links the kernel | build
	nasm | nasm | assembles the kernel | build
	kconfig-conf | kconfig-frontends-nox | reads the configuration | build
	/usr/bin/python3 | python3 | runs the build's checks and these scripts | build
	/usr/lib/python3/dist-packages/kconfiglib.py | python3-kconfiglib | checks the configuration | build
	/usr/share/consolefonts/Unifont-APL8x16.psf.gz | psf-unifont | font of the framebuffer console | build
	grub-mkrescue | grub-common | makes the boot image | run
	/usr/lib/grub/i386-pc/multiboot2.mod | grub-pc-bin | boots the image under BIOS | run
	/usr/lib/grub/x86_64-efi/multiboot2.mod | grub-efi-amd64-bin | boots the image under UEFI | run
	xorriso | xorriso | writes the ISO image | run
	mformat | mtools | writes the image's EFI partition | run
	faketime | faketime | makes the same image at any time | run
	qemu-system-x86_64 | qemu-system-x86 | the machine that the kernel runs on | run
	/usr/share/OVMF/OVMF_CODE*.fd | ovmf | UEFI firmware of that machine | run
	/usr/include/cmocka.h | libcmocka-dev | host tests | test
	clang | clang | second compiler, thread-safety analysis, fuzzing | test
	ld.lld | lld | linker of LLVM=1 builds | test
	llvm-objcopy | llvm | binary tools of LLVM=1 builds | test
	/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a | CLANG_RT | fuzzing and sanitizers | test
	/usr/include/relacy/relacy.hpp | relacy-dev | checks lock-free code against the C11 memory model | test
	cppcheck | cppcheck | static check | test
	sparse | sparse | static check | test
	clang-format | clang-format | checks the layout of the C sources | test
	musl-gcc | musl-tools | programs for Linux that the kernel runs | test
	tmux | tmux | a terminal for the tests of menuconfig | test
	gdb | gdb | tests of scripts/run --gdb | test
	/usr/include/jemalloc/jemalloc.h | libjemalloc-dev | allocator that the heaps are compared with | native
	/usr/include/mimalloc.h /usr/include/mimalloc-*/mimalloc.h | libmimalloc-dev | another such allocator | native
	/usr/include/ck_ring.h | libck-dev | queues that the kernel's are compared with | native
	/usr/include/*/urcu/wfcqueue.h | liburcu-dev | other such queues | native
	debootstrap | debootstrap | makes the minimal Debian of scripts/test --fresh | fresh
	END
}

# is_there ALTERNATIVE...: one of the commands or files exists.
is_there() {
	for is_there_one in "$@"; do
		case $is_there_one in
		/*) [ -e "$is_there_one" ] && return 0 ;; # a pattern without a match stays one
		*) command -v "$is_there_one" >/dev/null 2>&1 && return 0 ;;
		esac
	done
	return 1
}

# missing_rows WORD...: the rows of the table that are for one of these words and not there.
missing_rows() {
	package_table | while IFS='|' read -r what package why whom; do
		whom=$(echo $whom)
		case " $* " in *" $whom "*) ;; *) continue ;; esac
		# Unquoted: the alternatives are words, and patterns are to be expanded.
		# shellcheck disable=SC2086
		is_there $what || echo "$(echo $what)|$(echo $package)|$(echo $why)"
	done
}

# Names that depend on the host or on the Debian release.
real_package() {
	case $1 in
	GCC)
		if [ "$(dpkg --print-architecture)" = amd64 ]; then echo gcc
		else echo gcc-x86-64-linux-gnu; fi ;;
	BINUTILS)
		if [ "$(dpkg --print-architecture)" = amd64 ]; then echo binutils
		else echo binutils-x86-64-linux-gnu; fi ;;
	CLANG_RT)
		real_version=$(apt-cache depends clang 2>/dev/null |
			sed -n 's/^ *Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
		for real_name in "libclang-rt-$real_version-dev" "libclang-common-$real_version-dev"; do
			if has_candidate "$real_name"; then
				echo "$real_name"
				return
			fi
		done
		echo "libclang-rt-$real_version-dev" ;; # apt will say that it is unknown
	*) echo "$1" ;;
	esac
}

# has_candidate PACKAGE: apt could install it.
has_candidate() {
	apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

# Runs a command as root; status 125 if there is no way to be root.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		sudo "$@"
	else
		return 125
	fi
}

# apt_get WORDS...: apt-get that asks nothing and waits for another apt.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" >&2
}

# Fetches apt's package lists if one of these packages is unknown to it.
update_if_unknown() {
	for update_package in "$@"; do
		case $update_package in CLANG_RT) update_package=clang ;; GCC) update_package=gcc ;;
		BINUTILS) update_package=binutils ;; esac
		has_candidate "$update_package" && continue
		echo "apt does not know $update_package yet: fetching the package lists" >&2
		apt_get update
		return
	done
}

# need_packages WORD...: installs what is missing, or says how and ends the script with status 1.
need_packages() {
	need_rows=$(missing_rows "$@")
	[ -n "$need_rows" ] || return 0
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "These are missing, and there is no apt to install them:" >&2
		echo "$need_rows" | awk -F'|' '{ printf "  %-48s %s (in Debian: %s)\n", $1, $3, $2 }' >&2
		exit 1
	fi
	need_names=$(echo "$need_rows" | cut -d'|' -f2)
	echo "Missing Debian packages:" >&2
	echo "$need_rows" | while IFS='|' read -r what package why; do
		printf '  %-24s %s (%s)\n' "$(real_package "$package")" "$why" "$what" >&2
	done
	# shellcheck disable=SC2086
	if [ "$(id -u)" = 0 ] || as_root true; then
		update_if_unknown $need_names
	fi
	need_packages=$(for package in $need_names; do real_package "$package"; done | sort -u)
	need_packages=$(echo $need_packages)
	echo "Installing: apt-get install --no-install-recommends $need_packages" >&2
	need_status=0
	# shellcheck disable=SC2086
	apt_get install --no-install-recommends $need_packages || need_status=$?
	if [ "$need_status" = 125 ]; then
		echo "This needs root, and there is no sudo that could be used. As root, run:" >&2
		echo "  apt-get update && apt-get install --no-install-recommends $need_packages" >&2
		exit 1
	elif [ "$need_status" != 0 ]; then
		# The lists may be older than what the mirror still has.
		apt_get update && apt_get install --no-install-recommends $need_packages || {
			echo "apt-get could not install them: see above" >&2
			exit 1
		}
	fi
	need_rows=$(missing_rows "$@")
	if [ -n "$need_rows" ]; then
		echo "Still missing after the installation:" >&2
		echo "$need_rows" | awk -F'|' '{ printf "  %s (%s, package %s)\n", $1, $3, $2 }' >&2
		exit 1
	fi
}

# wants_help WORDS...: one of them asks for the help text, which needs Python and nothing else.
wants_help() {
	for wants_word in "$@"; do
		case $wants_word in
		-h | --help)
			[ -x /usr/bin/python3 ] && return 0
			echo "The help text needs Python 3 (Debian package python3), which is not" \
				"installed yet; the script installs it when it runs without --help." >&2
			exit 1 ;;
		esac
	done
	return 1
}
