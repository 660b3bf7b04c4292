# SPDX-License-Identifier: MIT
"""scripts/bench --listing: every instruction of one round trip of a message, as QEMU executed it.

A kernel of the standing set takes the samples of ipc.rt.w0; QEMU logs each instruction of the ways
into the kernel and of the functions of the two programs that call and serve, and one round trip of
the middle of the run is printed, part by part. The parts are the labels of ipc_fastpath.inc.
"""
import collections
import os
import re
import tempfile

from exo import builds, child, machine
from exo.bench_rows import END, BenchError

SPEC = builds.Spec("bench")
ROW = "ipc.rt.w0"
CALLER, SERVER = "round_trip", "serve"  # functions of abi-bench
SAMPLE = 50  # of those that the row takes
TIMEOUT = 120  # seconds
_BLOCK = re.compile(r"\[[0-9a-f]+/([0-9a-f]+)/")
_CODE = re.compile(r"^\s*([0-9a-f]+):\t(.*)$", re.M)
_MACRO = re.compile(r"^\.\.@\d+\.")

Symbol = collections.namedtuple("Symbol", "address size name")


def _output(command):
    done = child.run(command, TIMEOUT)
    if not done.ok:
        raise BenchError(f"{command[0]}: {done.output}")
    return done.output


def _symbols(elf):
    """All labels of code, by address; the size is 0 where the file has none."""
    found = []
    for line in _output(["nm", "-n", "-S", "--defined-only", elf]).splitlines():
        words = line.split()
        if words[-2] in "tT":
            size = int(words[1], 16) if len(words) == 4 else 0
            found.append(Symbol(int(words[0], 16), size, words[-1]))
    return found


def _code(elf, symbol):
    """{address: instruction} of a function, or of what lies between two labels."""
    text = _output(["objdump", "-d", "--no-show-raw-insn", "-M", "intel",
                        f"--start-address={symbol.address:#x}",
                        f"--stop-address={symbol.address + symbol.size:#x}", elf])
    return {int(address, 16): " ".join(code.split()) for address, code in _CODE.findall(text)}


def _parts(kernel, program):
    """What is logged: (Symbol, ELF)s."""
    symbols = {symbol.name: symbol for symbol in _symbols(kernel)}
    ways = [("syscall_entry", "syscall_attend"), ("sys_ipc_call", "ipc_return")]
    found = [(Symbol(symbols[first].address, symbols[last].address - symbols[first].address, first),
              kernel) for first, last in ways]
    found += [(symbol, program) for symbol in _symbols(program)
              if symbol.name in (CALLER, SERVER) and symbol.size]
    if len(found) != 4:
        raise BenchError(f"abi-bench has not the functions {CALLER} and {SERVER}")
    return found


def _trace(build, parts):
    """The addresses of all instructions there, in the order of their execution."""
    ranges = ",".join(f"{symbol.address:#x}..{symbol.address + symbol.size - 1:#x}"
                      for symbol, _ in parts)
    with tempfile.TemporaryDirectory(prefix="exo-listing-") as directory:
        log = os.path.join(directory, "log")
        extra = ["-icount", "shift=0,sleep=off", "-singlestep", "-d", "exec,nochain",
                 "-dfilter", ranges, "-D", log]
        described = machine.Machine.from_config(build.config, build.elf, firmware="pvh",
                                                memory="512M", extra=extra,
                                                command_line=f"user-bench={ROW} icount")
        output = child.run(described.command() + ["-no-reboot", "-serial", "stdio"],
                           TIMEOUT).output
        if not re.search(END, output, re.M) or not os.path.exists(log):
            raise BenchError(f"{ROW} was not measured: {output}")
        with open(log, encoding="utf-8", errors="replace") as file:
            return [int(address, 16) for address in _BLOCK.findall(file.read())]


def _round_trip(trace, entry, call, caller):
    """One of them: from the entry of a call up to the first instruction of the caller."""
    calls = [index for index, address in enumerate(trace) if address == call]
    if len(calls) <= SAMPLE:
        raise BenchError(f"{ROW} was sampled {len(calls)} times")
    first = last = calls[SAMPLE]
    while trace[first] != entry:
        first -= 1
    while not caller.address <= trace[last] < caller.address + caller.size:
        last += 1
    return trace[first:last]


def _part(address, labels):
    """The label before an address, without what NASM puts before those of macros."""
    name = next(label.name for label in reversed(labels) if label.address <= address)
    return _MACRO.sub("", name)


def make(build):
    """[(part, [instruction])] of one round trip, in order."""
    program = os.path.join(os.path.dirname(build.elf), "user", "abi-bench")
    parts = _parts(build.elf, program)
    code = {}
    for symbol, elf in parts:
        code.update(_code(elf, symbol))
    # Of several labels in one place that of a macro says most.
    labels = sorted(_symbols(build.elf) + [symbol for symbol, elf in parts if elf == program],
                    key=lambda label: (label.address, bool(_MACRO.match(label.name))))
    found = []
    caller = next(symbol for symbol, _ in parts if symbol.name == CALLER)
    for address in _round_trip(_trace(build, parts), parts[0][0].address, parts[1][0].address,
                               caller):
        name = _part(address, labels)
        if not found or found[-1][0] != name:
            found.append((name, []))
        found[-1][1].append(code[address])
    return found


def run(cache):
    """Builds, traces, prints. Returns how many there are, the server's included."""
    found = make(cache.get(SPEC))
    total = 0
    for name, instructions in found:
        total += len(instructions)
        print(f"{name}: {len(instructions)}")
        print("\n".join(f"    {instruction}" for instruction in instructions))
    print(f"{total} instructions from the caller's SYSCALL to what follows it")
    return total
