# SPDX-License-Identifier: MIT
"""Every way in which a kernel ends: each kind of panic, reboot, poweroff, exit."""
import re

from exo import builds, layers
from exo.guest import PROMPT, Guest
from exo.machine import EXIT_FAILURE, EXIT_PANIC, EXIT_SUCCESS
from exo.runner import Failed, Job

NO_FPU = builds.Spec("x86_64", (("FPU_NONE", True),))
# What `panic KIND` must give as the cause, and a function that the backtrace must name.
PANICS = {
    "": (r"requested at the monitor$", "panic_command"),
    "assert": (r"assert", "break_assert"),
    "fault": (r"page fault: write to 0x0\b", "break_fault"),
    "ud": (r"invalid opcode|undefined", "break_opcode"),
    "de": (r"divi", "break_divide"),
    "stack": (r"stack", "descend"),
    "text": (r"page fault: write to 0xffffffff[0-9a-f]{8}\b", "break_text"),
    "fpu": (r"floating-point instruction with interrupts or preemption off", "break_fpu"),
    "vector": (r"floating-point instruction with interrupts or preemption off", "break_vector"),
    "exec": (r"page fault: .*(execut|fetch)", "panic_command"),
}

# The same of the debug build, which checks locks: the cause, and who made the mistake.
LOCKS = {
    "lock-order": (r"lock order: TEST .* break_lock_order\+0x", "break_lock_order"),
    "lock-twice": (r"lock order: TEST .* break_lock_twice\+0x", "break_lock_twice"),
    "lock-release": (r"TEST released at .* break_lock_release\+0x", "break_lock_release"),
    "lock-in-irq": (r"TEST taken in an interrupt handler at .* take_plain\+0x", "take_plain"),
    "lock-irq-on": (r"TEST_IRQ taken with interrupts on at .* break_lock_interrupts_on",
                    "break_lock_interrupts_on"),
    "sleep-in-lock": (r"blocked at .* break_sleep_in_lock\+0x", "break_sleep_in_lock"),
    "sleep-in-irq": (r"block in an interrupt handler at .* sleep_now\+0x", "sleep_now"),
    "cpu-unpinned": (r"own data used with preemption on at .* break_cpu_unpinned\+0x",
                     "break_cpu_unpinned"),
}


def _boot(context, line, panics=False, firmware="pvh", spec=layers.DEFAULT, **options):
    """Boots, types a line that ends the guest, and returns the finished Guest and its status."""
    build = context.builds.get(spec)
    with build.machine("", firmware, **options) as machine:
        with Guest(machine, build.elf, context.scale, panics=panics) as guest:
            guest.expect(PROMPT, 60)
            guest.type(line + "\r")
            status = guest.wait(30)
            return guest, status, guest.qmp.shutdown_reason()


def _panic(kind, cause, function, **options):
    def run(context):
        guest, status, _ = _boot(context, f"panic {kind}".strip(), panics=True, **options)
        text = guest.output
        found = re.search(r"^PANIC: (.*)\n((?:.*\n)*?)PANIC END$", text, re.M)
        if not found:
            raise guest.failure("panic", "no report from 'PANIC: ' to 'PANIC END'")
        if not re.search(cause, found[1], re.I):
            raise guest.failure("panic", f"the cause is {found[1]!r}, expected {cause!r}")
        if not re.search(rf"#\d+ +0x[0-9a-f]{{16}} .*{function}", found[2]):
            raise guest.failure("panic", f"the backtrace does not name {function}")
        if not re.search(r"config [0-9a-f]{12}", found[2]):
            raise guest.failure("panic", "the report has no configuration hash")
        if status != EXIT_PANIC:
            raise guest.failure("panic", f"QEMU's status is {status}, not {EXIT_PANIC}")
    return run


def _nested(context):
    """A panic while a panic is reported ends at once, with the status of a panic."""
    guest, status, _ = _boot(context, "panic nested", panics=True)
    text = guest.output
    if text.count("PANIC: ") != 2 or not text.rstrip().endswith("PANIC END"):
        raise guest.failure("panic", "expected the first cause, the second one and the end")
    if status != EXIT_PANIC:
        raise guest.failure("panic", f"QEMU's status is {status}, not {EXIT_PANIC}")


def _shutdown(line, reason, firmware="pvh"):
    def run(context):
        guest, status, why = _boot(context, line, firmware=firmware)
        if (status, why) != (0, reason):
            raise Failed(f"{line}: QEMU ended with status {status} for {why}, not 0 for {reason}",
                         guest.log())
    return run


def _exit_status(line, expected):
    def run(context):
        guest, status, _ = _boot(context, line)
        if status != expected:
            raise Failed(f"{line!r} ended QEMU with status {status}, not {expected}", guest.log())
    return run


def jobs():
    """The jobs of this file."""
    rows = [Job(f"boot.panic-{kind or 'plain'}", _panic(kind, cause, function), 1)
            for kind, (cause, function) in PANICS.items()]
    rows += [Job(f"boot.panic-{kind}", _panic(kind, cause, function, spec=layers.DEBUG), 2)
             for kind, (cause, function) in LOCKS.items()]
    rows += [Job(f"boot.panic-{kind}-none", _panic(kind, r"no floating-point or vector registers",
                                                   f"break_{kind}", spec=NO_FPU), 6)
             for kind in ("fpu", "vector")]
    return rows + [
        Job("boot.panic-nested", _nested, 1),
        Job("boot.reboot", _shutdown("reboot", "guest-reset"), 1),
        Job("boot.poweroff", _shutdown("poweroff", "guest-shutdown"), 1),
        Job("boot.poweroff-uefi", _shutdown("poweroff", "guest-shutdown", "uefi"), 9),
        Job("boot.poweroff-microvm", _shutdown("poweroff", "guest-shutdown", "microvm"), 1),
        Job("boot.exit-success", _exit_status("help; exit", EXIT_SUCCESS), 1),
        Job("boot.exit-failure", _exit_status("no-such-command; exit", EXIT_FAILURE), 1),
    ]
