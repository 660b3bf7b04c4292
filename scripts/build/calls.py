#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make what lists the system calls from kernel/syscall/calls.table.

usage: calls.py numbers|kernel|table|user|kinds|doc TABLE

numbers: enum exo_call, for include/uapi; kernel: declarations of the sys_ functions; table: the
dispatch table, for kernel/syscall/table.c; user: the exo_ functions of programs; kinds: what each
argument is, for fuzzers and traces; doc: the manual page.

A row of the table is
    NUMBER NAME [OPTION] ARGUMENT:KIND... -> VALUE : a line for the manual
where "[OPTION]" (the kernel has the call only with CONFIG_OPTION), arguments and "-> VALUE" (what
RDX is) may be left out.
"""

import collections
import re
import sys

LIMIT = 32
ARGUMENTS = 6
REGISTERS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
# kind: (the type in a program, what the manual says of it)
KINDS = {
    "cap": ("exo_cap_t ", "a capability's slot; 0 is EXO_SELF"),
    "slot": ("exo_cap_t ", "a slot that is filled or emptied"),
    "in": ("const void *", "address of what is read"),
    "out": ("void *", "address of what is written (thread_state also reads it)"),
    "text": ("const char *", "address of bytes"),
    "size": ("uint64_t ", "size of the text before it, in bytes"),
    "count": ("uint64_t ", "a number of things"),
    "address": ("uint64_t ", "virtual address"),
    "physical": ("uint64_t ", "physical address"),
    "time": ("uint64_t ", "nanoseconds, as the info page counts them"),
    "bits": ("uint64_t ", "a set of bits"),
    "u64": ("uint64_t ", "a number; see the header"),
    "tag": ("struct exo_message *", "of a message, whose words are in RDX R10 R8 R9 R12 R13 and "
            "come back there; the value is in RDI"),
}
POINTERS = ("in", "out", "text")
NAME = re.compile(r"[a-z][a-z0-9_]*$")
# What cannot be the name of a parameter, in C or C++, or is a variable of the stubs.
RESERVED = frozenset("""
    auto bool break case catch char class const continue default delete do double else enum
    explicit export extern false float for friend goto if inline int long mutable namespace
    new operator private protected public register restrict return short signed sizeof
    static struct switch template this throw true try typedef typename union unsigned using
    virtual void volatile while rax r10 r8 r9
    """.split())

Call = collections.namedtuple("Call", "number name option arguments value manual")


class TableError(Exception):
    """A row that makes no sense."""


def _name(text, what):
    if not NAME.match(text) or text in RESERVED:
        raise TableError(f"{what} must be a lower-case name that is no word of C or C++, "
                         f"not '{text}'")
    return text


def _arguments(words):
    """[(name, kind)] of the words between name and manual line."""
    found = []
    for word in words:
        name, colon, kind = word.partition(":")
        if not colon or kind not in KINDS:
            raise TableError(f"'{word}' is no ARGUMENT:KIND; kinds: {' '.join(KINDS)}")
        if any(name == other for other, _ in found):
            raise TableError(f"two arguments are called '{name}'")
        if kind == "size" and (not found or found[-1][1] not in POINTERS):
            raise TableError(f"'{word}' must follow the address ({', '.join(POINTERS)}) whose "
                             "size it is")
        found.append((_name(name, "an argument"), kind))
    if any(kind == "tag" for _, kind in found) and [kind for _, kind in found] != ["cap", "tag"]:
        raise TableError("a call with a tag has just a cap before it")
    if len(found) > ARGUMENTS:
        raise TableError(f"{len(found)} arguments, at most {ARGUMENTS} go into registers")
    return found


def parse_row(line):
    """A Call from one line of the table; raises TableError."""
    left, colon, manual = re.split(r"(\s:\s)", line, maxsplit=1) if re.search(r"\s:\s", line) \
        else (line, "", "")
    if not colon or not manual.strip():
        raise TableError("no ' : ' with a line for the manual at the end")
    left, arrow, value = left.partition("->")
    if arrow:
        value = _name(value.strip(), "what follows '->'")
    words = left.split()
    if len(words) < 2 or not words[0].isdecimal():
        raise TableError("want NUMBER NAME [OPTION] ARGUMENT:KIND... -> VALUE : manual line")
    if int(words[0]) >= LIMIT:
        raise TableError(f"number {words[0]} is not below {LIMIT}")
    name, rest, option = _name(words[1], "the call"), words[2:], ""
    if rest and rest[0].startswith("["):
        match = re.match(r"\[([A-Z][A-Z0-9_]*)\]$", rest[0])
        if not match:
            raise TableError(f"'{rest[0]}' is no [OPTION]: want a Kconfig symbol without CONFIG_")
        option, rest = match[1], rest[1:]
    return Call(int(words[0]), name, option, _arguments(rest), value, manual.strip())


def read_table(path):
    """The Calls of a table, sorted by number; ends the program with FILE:LINE if it is wrong."""
    calls = []
    with open(path, encoding="utf-8") as file:
        for row, line in enumerate(file, 1):
            line = line.split("#")[0].strip()
            if not line:
                continue
            try:
                call = parse_row(line)
                for other in calls:
                    if call.number == other.number or call.name == other.name:
                        raise TableError(f"{other.name} has the same number or name")
            except TableError as error:
                sys.exit(f"{path}:{row}: {error}\n    {line}")
            calls.append(call)
    if not calls:
        sys.exit(f"{path}: no calls")
    return sorted(calls)


# ---- headers -------------------------------------------------------------------------------------

def numbers(calls):
    """enum exo_call."""
    print("enum exo_call {")
    for call in calls:
        print(f"\tEXO_CALL_{call.name.upper()} = {call.number}, /* {call.manual} */")
    print(f"}};\n\n#define EXO_CALL_LIMIT {LIMIT}u /* numbers are below */")
    print("#define EXO_CALL_OURS UINT64_C(0x80000000) /* this bit is set in EAX; if not, the call "
          "is a foreign one */")


def declaration(call):
    """The prototype of a call in the kernel: all are numbers there, addresses too."""
    parameters = ", ".join(f"uint64_t {name}" for name, _ in call.arguments)
    return f"struct exo_result sys_{call.name}({parameters or 'void'})"


def has_message(call):
    """Does it take more registers than a C function? Then its sys_ function is no C."""
    return any(kind == "tag" for _, kind in call.arguments)


def kernel(calls):
    """Declarations of the sys_ functions."""
    print("#include <uapi/exo/result.h>\n")
    for call in calls:
        if has_message(call):
            continue
        print(f"/* {call.manual} */\n{declaration(call)};")


def table(calls):
    """The dispatch table. Each row has the type of the table, under the name of the sys_ function
    for the linker: what the call does not take are registers that it does not look at."""
    rows = {call.number: call for call in calls}
    six = ", ".join(["uint64_t"] * ARGUMENTS)
    for call in calls:
        print(f"struct exo_result call_{call.name}({six}) __asm__(\"sys_{call.name}\");")
    print(f"\nstruct exo_result (*const syscall_table[{LIMIT}])({six}) = {{")
    for number in range(LIMIT):
        call = rows.get(number)
        row = f"\t[{number}] = call_{call.name}," if call else f"\t[{number}] = sys_unknown,"
        if call and call.option:
            row = f"#ifdef CONFIG_{call.option}\n{row}\n#else\n\t[{number}] = sys_unknown,\n#endif"
        print(row)
    print("};")


# ---- programs ------------------------------------------------------------------------------------

def prototype(call):
    """The head of a call as programs see it."""
    parameters = ", ".join(KINDS[kind][0] + name for name, kind in call.arguments)
    return f"static inline struct exo_result exo_{call.name}({parameters or 'void'})"


def as_number(name, kind):
    """An argument as the number that goes into its register."""
    return f"(uint64_t){name}" if kind in POINTERS else name


def direct_body(call):
    """In a kernel without objects: a call of the function, if the kernel has it."""
    if call.option:
        unused = "".join(f"\t(void){name};\n" for name, _ in call.arguments)
        return (f"{unused}\tconst struct exo_result unknown = {{ -EXO_E_CALL, 0 }};\n\n"
                "\treturn unknown;")
    arguments = ", ".join(as_number(*argument) for argument in call.arguments)
    return f"\treturn sys_{call.name}({arguments});"


def asm_body(call, number, instruction, registers, clobbered):
    """An instruction. What the kernel may have used is lost: all registers of arguments too."""
    operands, lines = ['"+a"(rax)'], []
    lines.append(f"\tuint64_t rax = {number};")
    values = dict(zip(registers, call.arguments))
    for register in registers:
        argument = values.get(register)
        value = as_number(*argument) if argument else ""
        if register == "rdx":
            lines.append(f"\tuint64_t rdx_value = {value};" if value else "\tuint64_t rdx_value;")
            operands.append('"+d"(rdx_value)' if value else '"=d"(rdx_value)')
        elif not value:
            clobbered.append(register)
        elif register in ("rdi", "rsi", "rcx"):
            letter = register[1] if register == "rcx" else register[1].upper()
            lines.append(f"\tuint64_t {register}_value = {value};")
            operands.append(f'"+{letter}"({register}_value)')
        else:
            lines.append(f'\tregister uint64_t {register} __asm__("{register}") = {value};')
            operands.append(f'"+r"({register})')
    quoted = ", ".join(f'"{name}"' for name in clobbered)
    # Register variables come last: nothing that could use the registers may stand between.
    lines.sort(key=lambda line: line.startswith("\tregister"))
    return "\n".join([*lines, "\tstruct exo_result result;", "",
                      f"\t__asm__ volatile(\"{instruction}\" : {', '.join(operands)} : : "
                      f"{quoted});",
                      "\tresult.error = (int64_t)rax;", "\tresult.value = rdx_value;",
                      "\treturn result;"])


def syscall_body(call):
    """The way into a protected kernel."""
    number = f"EXO_CALL_OURS | (uint64_t)EXO_CALL_{call.name.upper()}"
    if has_message(call):
        return message_body(call, number, "syscall", "r10")
    return asm_body(call, number, "syscall", REGISTERS, ["rcx", "r11", "memory"])


def flat_body(call):
    """The way into a flat kernel: a call that changes the stack (arch/x86_64/flat_entry.asm)."""
    if has_message(call):
        return message_body(call, f"EXO_CALL_{call.name.upper()}", "call exo_flat_call", "rcx")
    registers = [{"r10": "rcx"}.get(register, register) for register in REGISTERS]
    return asm_body(call, f"EXO_CALL_{call.name.upper()}", "call exo_flat_call", registers,
                    ["r10", "r11", "memory"])


def message_body(call, number, instruction, second):
    """The same with a message: its words go there and come back in registers, w1 in @second."""
    lines = [f"\tuint64_t rax = {number}, rdi_value = ep, rsi_value = tag->tag;",
             "\tuint64_t rdx_value = tag->words[0];"]
    operands = ['"+a"(rax)', '"+D"(rdi_value)', '"+S"(rsi_value)', '"+d"(rdx_value)']
    words = [second, "r8", "r9", "r12", "r13"]
    if second == "rcx":
        lines.append("\tuint64_t rcx = tag->words[1];")
        operands.append('"+c"(rcx)')
        clobbered = ["r10", "r11", "memory"]
    else:
        clobbered = ["rcx", "r11", "memory"]
    for index, register in enumerate(words, 1):
        if register != "rcx":
            lines.append(f'\tregister uint64_t {register} __asm__("{register}") = '
                         f'tag->words[{index}];')
            operands.append(f'"+r"({register})')
    lines += ["\tstruct exo_result result;", "",
              f"\t__asm__ volatile(\"{instruction}\" : {', '.join(operands)} : : "
              + ", ".join(f'"{name}"' for name in clobbered) + ");",
              "\tresult.error = (int64_t)rax;", "\tresult.value = rdi_value;",
              "\tif (result.error)", "\t\treturn result;",
              "\ttag->tag = rsi_value;", "\ttag->words[0] = rdx_value;"]
    lines += [f"\ttag->words[{index}] = {register};" for index, register in enumerate(words, 1)]
    return "\n".join([*lines, "\treturn result;"])


def user(calls):
    """The exo_ functions: SYSCALL instructions, or in a flat build (EXO_FLAT) calls of the kernel:
    through its entry where it has objects (CONFIG_OBJECTS), else of the function itself."""
    print("#include <generated/calls_numbers.h>\n#include <uapi/exo/cap.h>\n"
          "#include <uapi/exo/errno.h>\n#include <uapi/exo/ipc.h>\n#include <uapi/exo/result.h>\n")
    print("#ifdef EXO_FLAT\n#ifdef __cplusplus\nextern \"C\" {\n#endif")
    for call in calls:
        if has_message(call):
            continue
        print(f"{declaration(call)};")
    print("#ifdef __cplusplus\n}\n#endif\n#endif")
    for call in calls:
        print(f"\n/* {call.manual} */\n{prototype(call)}\n{{")
        print(f"#if defined(EXO_FLAT) && defined(CONFIG_OBJECTS)\n{flat_body(call)}")
        print(f"#elif defined(EXO_FLAT)\n{direct_body(call)}\n#else\n{syscall_body(call)}")
        print("#endif\n}")


def kinds(calls):
    """struct exo_call_kinds exo_call_kinds[]."""
    print("enum exo_argument_kind {\n\tEXO_ARGUMENT_NONE,")
    for kind, (_, meaning) in KINDS.items():
        print(f"\tEXO_ARGUMENT_{kind.upper()}, /* {meaning} */")
    print(f"}};\n\nstruct exo_call_kinds {{\n\tunsigned char number;\n\tunsigned char nr_arguments;"
          f"\n\tunsigned char kinds[{ARGUMENTS}]; /* enum exo_argument_kind */\n"
          f"\tconst char *name;\n\tconst char *arguments[{ARGUMENTS}];\n}};\n")
    print("static const struct exo_call_kinds exo_call_kinds[] = {")
    for call in calls:
        filled = call.arguments + [("", "none")] * (ARGUMENTS - len(call.arguments))
        numbers_of = ", ".join(f"EXO_ARGUMENT_{kind.upper()}" for _, kind in filled)
        names = ", ".join(f'"{name}"' for name, _ in filled)
        print(f"\t{{ {call.number}, {len(call.arguments)}, {{ {numbers_of} }}, \"{call.name}\",\n"
              f"\t  {{ {names} }} }},")
    print("};")


# ---- manual --------------------------------------------------------------------------------------

DOC_HEAD = """# System calls

Made by `make abi` from `kernel/syscall/calls.table`; structures and constants are in
`include/uapi/exo/`. `syscall`: EAX = number with bit 31 set; RDI RSI RDX R10 R8 R9 are the
arguments; RAX returns 0 or the negative of an `enum exo_error`, RDX the value (0 where none is
named). RCX, R11 and the registers of arguments are lost, all others keep their values. A call with
bit 31 clear is a foreign one: it goes to the thread's handler (`uapi/exo/thread.h`). Where an error
is returned nothing has changed, but for `EXO_E_AGAIN`: some of it is done, call again.

| number | call | value | what it does |
|---|---|---|---|"""


def doc(calls):
    """The manual page."""
    print(DOC_HEAD)
    for call in calls:
        arguments = ", ".join(f"{name}: {kind}" for name, kind in call.arguments)
        need = f" (only with `CONFIG_{call.option}`)" if call.option else ""
        print(f"| {call.number} | `{call.name}({arguments})` | {call.value} | {call.manual}{need}"
              " |")
    print("\n| kind | in C | is |\n|---|---|---|")
    for kind, (c_type, meaning) in KINDS.items():
        print(f"| {kind} | `{c_type.strip()}` | {meaning} |")


def main():
    makers = {maker.__name__: maker for maker in (numbers, kernel, table, user, kinds, doc)}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    calls = read_table(sys.argv[2])
    if sys.argv[1] == "doc":
        doc(calls)
        return
    guard = f"GENERATED_CALLS_{sys.argv[1].upper()}_H"
    print("/* Made by scripts/build/calls.py from kernel/syscall/calls.table. */")
    print(f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n")
    makers[sys.argv[1]](calls)
    print("\n#endif")


if __name__ == "__main__":
    main()
