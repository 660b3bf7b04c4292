# SPDX-License-Identifier: MIT
"""CONFIG_RETPOLINE, CONFIG_SPECULATION_MASKS and CONFIG_SPECULATION_FLUSH: what is in the code.

No emulator speculates, so the instructions are looked for in the disassembly. The same is asked of
a kernel without these options, which must lack them: else the question would be wrong.
"""
import re

from exo import builds, child, symbols
from exo.runner import Failed, Job

OPTIONS = ("RETPOLINE", "SPECULATION_MASKS", "SPECULATION_FLUSH")
WITH = builds.Spec("bench", (("SMP", True), *((name, True) for name in OPTIONS)))
WITHOUT = builds.Spec("bench")
BOOT = {"long_mode", "boot_gdt"}  # before there are programs, or no code
# Have cap_slot() in themselves, or an index of their own.
MASKED = {"cap_claim", "sys_cap_stat", "sys_cap_copy", "bank_try_node", "sys_thread_sched"}


def _functions(elf):
    """{name: [instruction, …]} of the kernel's code."""
    listed = child.run([symbols.cross_tool("objdump"), "-d", "--no-show-raw-insn", elf], 120)
    found, name = {}, None
    for line in listed.output.splitlines():
        begin = re.match(r"[0-9a-f]+ <(.+)>:$", line)
        code = re.match(r" *[0-9a-f]+:\t(.+)$", line)
        if begin:
            name = begin[1]
        elif code and name:
            found.setdefault(name, []).append(code[1].strip())
    return found


def indirect(functions):
    """The functions that have an indirect call or jump, but those of the boot."""
    return {name for name, code in functions.items() if name not in BOOT and
            any(re.match(r"(notrack )?(call|jmp)q? +\*", line) for line in code)}


def without_verw(functions):
    """Labels below which user mode is gone to by SYSRET or IRETQ without VERW. In the whole
    entry code, as a way out may begin above its label."""
    found, seen = set(), False
    for name in _entries(functions):
        for line in functions[name]:
            seen |= line.startswith("verw")
            if re.match(r"(sysretq?|iretq?)\b", line):
                # What returns to the kernel alone needs none.
                if not seen and not name.startswith("interrupt_entry"):
                    found.add(name)
                seen = False
    return found


def _entries(functions):
    """The labels of the entry code, in the order of their addresses."""
    names = [name for name in functions if name not in BOOT]
    first = [name for name in names if functions[name] and any(
        re.match(r"(sysretq?|iretq?|swapgs)\b", line) for line in functions[name])]
    return names[names.index(first[0]):names.index(first[-1]) + 1] if first else []


def unfenced(functions):
    """Labels after which a SWAPGS behind a branch is not followed by LFENCE."""
    found = set()
    for name, code in functions.items():
        if not re.match(r"(user_entry|page_fault_entry|debug_entry)$", name):
            continue
        if not any(a.startswith("swapgs") and b.startswith("lfence")
                   for a, b in zip(code, functions_after(functions, name, code))):
            found.add(name)
    return found


def functions_after(functions, name, code):
    """The instructions behind each of @code, the last one's in the label that follows."""
    names = list(functions)
    following = functions[names[names.index(name) + 1]]
    return code[1:] + following[:1]


def unmasked(functions):
    """Which of MASKED have no mask: SBB of a register with itself."""
    return {name for name in MASKED if not any(
        re.match(r"sbb +(%\w+),\1$", line) for line in functions.get(name, []))}


def unforgotten(functions):
    """Which of the switches from one address space to another lack IBPB."""
    return {name for name in ("user_switch",)
            if not any(re.match(r"mov +\$0x49,%ecx$", line) for line in functions[name])}


def _check(context):
    good = _functions(context.builds.get(WITH).elf)
    bad = _functions(context.builds.get(WITHOUT).elf)
    for question in (indirect, without_verw, unfenced, unmasked, unforgotten):
        found = question(good)
        if found:
            raise Failed(f"{question.__name__}: {', '.join(sorted(found))}")
        # LFENCE comes with SMP.
        if not question(bad):
            raise Failed(f"{question.__name__} finds nothing in a kernel without the options")


def jobs():
    """The disassembly of one kernel with the options and of one without."""
    return [Job("boot.speculation", _check, 25)]
