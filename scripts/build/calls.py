#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make the system-call headers from kernel/syscall/calls.table.

usage: calls.py numbers|kernel|user TABLE

numbers: enum exo_call, for include/uapi; kernel: declarations of the sys_ functions;
user: the exo_ wrappers of a flat build, where a call is a direct call to the same function.
"""

import sys

KINDS = {"u64": "uint64_t ", "text": "const char *", "size": "uint64_t "}
LIMIT = 32


def read_table(path):
    """Return [(number, name, [(argument, kind)])], checked and sorted by number."""
    calls = []
    with open(path, encoding="ascii") as file:
        for row, line in enumerate(file, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            try:
                number, name = int(words[0]), words[1]
                arguments = [tuple(word.split(":")) for word in words[2:]]
                if not 0 <= number < LIMIT or any(kind not in KINDS for _, kind in arguments):
                    raise ValueError
            except (ValueError, IndexError):
                sys.exit(f"{path}:{row}: want NUMBER NAME ARGUMENT:KIND..., number below {LIMIT}, "
                         f"kinds {', '.join(KINDS)}; got: {line.strip()}")
            calls.append((number, name, arguments))
    if len({number for number, _, _ in calls}) != len(calls):
        sys.exit(f"{path}: two calls have the same number")
    return sorted(calls)


def parameters(arguments):
    return ", ".join(KINDS[kind] + name for name, kind in arguments) or "void"


def numbers(calls):
    print("enum exo_call {")
    for number, name, _ in calls:
        print(f"\tEXO_CALL_{name.upper()} = {number},")
    print("};")


def kernel(calls):
    for _, name, arguments in calls:
        print(f"int64_t sys_{name}({parameters(arguments)});")


def user(calls):
    kernel(calls)
    for _, name, arguments in calls:
        names = ", ".join(argument for argument, _ in arguments)
        print(f"\nstatic inline int64_t exo_{name}({parameters(arguments)})\n{{\n"
              f"\treturn sys_{name}({names});\n}}")


def main():
    makers = {"numbers": numbers, "kernel": kernel, "user": user}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    guard = f"GENERATED_CALLS_{sys.argv[1].upper()}_H"
    print("/* Made by scripts/build/calls.py from kernel/syscall/calls.table. */")
    print(f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n")
    makers[sys.argv[1]](read_table(sys.argv[2]))
    print("\n#endif")


if __name__ == "__main__":
    main()
