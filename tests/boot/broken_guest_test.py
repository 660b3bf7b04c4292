# SPDX-License-Identifier: MIT
"""The runner against the real QEMU and guests that are broken on purpose.

tests/tools/runner_test.py does the same with a fake QEMU; here it is shown that QEMU's own signs
(the reset log, its statuses, its control channel) are what the runner takes them for. The guests
are a few instructions in a multiboot (version 1) image, which QEMU's -kernel loads.
"""
import os
import re
import tempfile

from exo import child
from exo.guest import BANNER, Guest, GuestFailure
from exo.machine import Machine
from exo.runner import Failed, Job

_IMAGE = """
bits 32
org 0x100000
start:	dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
	dd start, start, 0, 0, entry
entry:	mov esp, 0x90000
	mov esi, text
next:	lodsb
	test al, al
	jz done
	mov dx, 0x3f8
	out dx, al
	jmp next
done:	%s
text:	db %s
"""
_BANNER = '"exo-kernel 0 x86_64 config 0123456789ab", 10, '
_HANG = "jmp $"
_TRIPLE_FAULT = "lidt [zero]\n\tud2\nzero:\ttimes 6 db 0"


def _guest_fails(code, text, kind, report, said=None):
    """A job's function: such a guest must fail so, with @report in what is shown. What it has
    @said before comes whenever the host lets it: only then the limit that it must miss begins."""
    def run(context):
        with tempfile.TemporaryDirectory() as directory:
            source, image = os.path.join(directory, "a.asm"), os.path.join(directory, "a.bin")
            with open(source, "w", encoding="utf-8") as file:
                file.write(_IMAGE % (code, text + "0"))
            made = child.run(["nasm", "-f", "bin", "-o", image, source], 30)
            if not made.ok:
                raise Failed("nasm does not assemble the guest", made.output)
            try:
                with Guest(Machine(image, firmware="pvh"), scale=context.scale) as guest:
                    if said:
                        guest.expect(said, 60)
                    guest.wait_ready(4)
            except GuestFailure as failure:
                if failure.kind != kind or not re.search(report, failure.report()):
                    raise Failed(f"expected {kind} with {report!r}", failure.report()) from failure
                return
        raise Failed("the guest was taken for a good one")
    return run


def jobs():
    """The jobs of this file."""
    return [
        Job("boot.broken-triple-fault",
            _guest_fails(_TRIPLE_FAULT, _BANNER, "triple-fault", r"RIP=0x100[0-9a-f]{3}",
                         "exo-kernel"), 1),
        Job("boot.broken-hang",
            _guest_fails(_HANG, _BANNER, "timeout", r"RIP=0x100\w{3}", f"(?m){BANNER.pattern}"),
            5),
        Job("boot.broken-silent", _guest_fails(_HANG, "", "silent", r"--- screen ---"), 5),
        Job("boot.broken-not-bootable",
            _guest_fails("hlt", "65, 10, ", "silent", r"\] A", r"A\n"), 5),
    ]
