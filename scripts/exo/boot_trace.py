# SPDX-License-Identifier: MIT
"""Counts the instructions from the kernel's entry to its first HLT, without help from the kernel.

QEMU runs one instruction a block and logs each block that starts inside the image;
each iteration of a REP instruction is one of its own, as under -icount. Works for images that are
too small to carry benchmarks. With CONFIG_KASLR the kernel is told not to move, so that its
addresses are known: what moving it costs is not counted. The count includes each poll of the serial
port, so it can differ by one or two from run to run.
"""
import os
import re
import subprocess
import tempfile
import time

from exo import child, machine, size

_BLOCK = re.compile(r"^Trace \d+: 0x[0-9a-f]+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)
_KERNEL_BASE = 0xFFFFFFFF80000000
LIMIT = 60  # seconds for the whole run
QUIET = 1.0  # seconds without a new instruction: at rest


class TraceError(Exception):
    """No count; the text says why."""


def _ranges(elf):
    """QEMU's -dfilter for the image's code: physical for boot code, virtual for the rest."""
    words = []
    for name, length, physical in size.sections(elf):
        if name == ".boot":
            words.append(f"{physical:#x}..{physical + length - 1:#x}")
        elif name == ".text":
            base = physical + _KERNEL_BASE
            words.append(f"{base:#x}..{base + length - 1:#x}")
    return ",".join(words)


def _qemu_version():
    """(major, minor) of QEMU, whose word for one instruction a block changed in 8.1."""
    asked = child.run([machine.Machine("").command()[0], "--version"], 20)
    found = re.search(r"version (\d+)\.(\d+)", asked.output)
    if not asked.ok or not found:
        raise TraceError(f"QEMU does not tell its version: {asked.output}")
    return int(found[1]), int(found[2])


def _run(command, log):
    """Runs QEMU until the last logged instruction stays the same: the kernel is idle."""
    process = child.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    try:
        size_before, deadline = -1, time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            time.sleep(QUIET)
            size_now = os.path.getsize(log) if os.path.exists(log) else 0
            if size_now and size_now == size_before:
                return
            if process.poll() is not None:
                raise TraceError("QEMU ended: " + process.stderr.read().decode().strip())
            size_before = size_now
        raise TraceError(f"the kernel does not come to rest within {LIMIT} s")
    finally:
        child.kill(process)
        process.stderr.close()


def entry_to_idle(elf, config):
    """Instructions from entry to the idle loop's HLT, of a PVH kernel that ends in one."""
    if not config["BOOT_PVH"]:
        raise TraceError("only a kernel with CONFIG_BOOT_PVH=y can be traced from its entry")
    with tempfile.TemporaryDirectory(prefix="exo-trace-") as directory:
        log = os.path.join(directory, "trace")
        options = {"extra": ["-singlestep"]} if _qemu_version() < (8, 1) else \
            {"accel_options": ",one-insn-per-tb=on"}
        traced = machine.Machine.from_config(config, elf, firmware="pvh", **options,
                                             command_line="nokaslr" if config["KASLR"] else "")
        _run(traced.command() + ["-no-reboot", "-serial", "null", "-d", "exec,nochain",
                                 "-dfilter", _ranges(elf), "-D", log], log)
        with open(log, encoding="utf-8", errors="replace") as file:
            addresses = [int(address, 16) for address in _BLOCK.findall(file.read())]
    if not addresses or addresses[0] >= _KERNEL_BASE:
        raise TraceError("QEMU did not log the kernel from its entry on")
    return len(addresses)
