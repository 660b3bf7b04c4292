# SPDX-License-Identifier: MIT
"""Runs a kernel in QEMU, talks to it, and says what went wrong in one word and in full.

Serial output is collected with time stamps. expect() waits for a pattern and meanwhile notices
every way in which a guest can fail:

    silent        the kernel's first line never came
    panic         "PANIC: ..." came (the rest, up to "PANIC END", is collected)
    triple-fault  the CPU gave up; QEMU's reset log holds the registers
    exited        QEMU ended before what was waited for
    hang          nothing new came for the idle limit
    timeout       the overall limit passed
    qemu          QEMU itself could not start or complained

A failure carries the end of the log and, where the guest can still be asked, registers and a
symbolised backtrace. QEMU never outlives the `with` block.
"""
import contextlib
import os
import re
import select
import subprocess
import tempfile
import time

from exo import child, screen, symbols
from exo.qmp import Qmp, QmpError

BANNER = re.compile(r"^exo-kernel \S+ x86_64 config [0-9a-f]{12}", re.M)
READY = r"(?m)^exo-kernel: ready$"
PROMPT = r"(?:^|\n)exo> $"
_PANIC = re.compile(r"^PANIC: (.*)$", re.M)
_PANIC_END = re.compile(r"^PANIC END", re.M)
_ESCAPE = re.compile(r"\x1b\[[0-9;?=]*[A-Za-z]|\r")
_BEGUN_ESCAPE = re.compile(r"\x1b(\[[0-9;?=]*)?$")
LOG_TAIL = 60  # lines of a failed guest's log that are shown
TYPE_CHUNK = 8  # half of a 16550's FIFO: never more than this unechoed


class GuestFailure(Exception):
    """A guest failed: @kind is one of the words above."""

    def __init__(self, kind, text, details=""):
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text
        self.details = details

    def report(self):
        """All there is to say, for a person."""
        return f"{self}\n{self.details}".rstrip()


class Guest:
    """A running guest. Use it in a `with` statement.

    @elf: the kernel's ELF for backtraces, or None; @scale stretches every time limit;
    @panics: a panic is expected, so it is no failure; @on_screen: read the screen, not the serial
    port.
    """

    def __init__(self, machine, elf=None, scale=1.0, panics=False, on_screen=False):
        self.machine = machine
        self.elf = elf
        self.scale = scale
        self.panics = panics
        self.on_screen = on_screen
        self.output = ""  # all serial output, without escape sequences and carriage returns
        self._raw = ""  # the begin of an escape sequence whose end has not come yet
        self.mark = 0  # how far expect() has read
        self.began = self.last_output = time.monotonic()
        self.status = None
        self._kept = {}
        self._qmp_open = True
        self._last_state = []  # registers and backtrace at a triple fault
        self._command_start = None
        self._stamps = [(0.0, 0)]  # (seconds, length of output then)

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="exo-guest-")
        self.qmp = Qmp()
        command = self.machine.command() + self.machine.serial() + self.qmp.arguments() + [
            "-no-reboot", "-action", "shutdown=pause",
            "-d", "cpu_reset", "-D", os.path.join(self._directory.name, "resets")]
        self.began = self.last_output = time.monotonic()
        try:
            with open(os.path.join(self._directory.name, "errors"), "wb") as errors:
                self._process = child.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, pass_fds=self.qmp.inherit(), bufsize=0)
        except OSError as error:
            self._close()
            raise GuestFailure("qemu", f"cannot start {command[0]}: {error.strerror}: install the "
                               "Debian package qemu-system-x86") from error
        with contextlib.suppress(QmpError):  # it has ended already; the first read will tell
            self.qmp.started()
        os.set_blocking(self._process.stdout.fileno(), False)
        return self

    def __exit__(self, *_):
        child.kill(self._process)
        self._kept = {name: self._file(name) for name in ("errors", "resets")}
        self._process.stdin.close()
        self._process.stdout.close()
        self._close()

    def _close(self):
        self.qmp.close()
        self._directory.cleanup()

    # ---- reading ---------------------------------------------------------------------------------

    def log(self, lines=LOG_TAIL):
        """The end of the output, each line with the second at which it came."""
        rows, at = [], len(self.output)
        for line in reversed(self.output.splitlines(keepends=True)[-lines:]):
            at -= len(line)
            rows.append(f"[{self.when(at):7.3f}] {line.rstrip()}")
        return "\n".join(reversed(rows))

    def _read(self, seconds):
        """Takes what comes within @seconds; False at the end of the output."""
        wanted = [self._process.stdout] + ([self.qmp] if self._qmp_open else [])
        ready, _, _ = select.select(wanted, [], [], max(0.0, seconds))
        if self.qmp in ready:
            self._qmp_open = self.qmp.poll()
            if self.qmp.shutdown_reason() and self._qmp_open:
                self._over()
        if self._process.stdout not in ready:
            return True
        data = os.read(self._process.stdout.fileno(), 65536)
        if not data:
            return False
        self.last_output = time.monotonic()
        text = self._raw + data.decode("latin-1")
        begun = _BEGUN_ESCAPE.search(text)
        self._raw = begun[0] if begun else ""
        self.output += _ESCAPE.sub("", text[:begun.start()] if begun else text)
        self._stamps.append((self.last_output - self.began, len(self.output)))
        return True

    def _over(self):
        """The guest is over, by poweroff or reset, and QEMU waits: look, then let it go."""
        if self.triple_fault():
            self._last_state = self._diagnose()
        with contextlib.suppress(QmpError):  # QEMU may be gone before it has answered
            self.qmp.command("quit")
        self._qmp_open = False

    def when(self, offset):
        """The second at which the output had grown beyond @offset."""
        for seconds, length in self._stamps:
            if length > offset:
                return seconds
        return self._stamps[-1][0]

    def seen(self):
        """What the guest has shown so far: its output, or what is on its screen."""
        if not self.on_screen:
            return self.output
        try:
            return screen.read(self.qmp)
        except QmpError:
            return ""  # too early, or QEMU has ended: the output's end tells the latter

    def expect(self, pattern, timeout, idle=None):
        """Waits for a regular expression in what has come since the last match.

        Returns the match and moves on behind it. @idle: longest silence before that, in seconds.
        """
        deadline = time.monotonic() + timeout * self.scale
        self.last_output = time.monotonic()
        compiled = re.compile(pattern)
        while True:
            alive = self._read(min(0.25, deadline - time.monotonic()))
            match = compiled.search(self.seen(), self.mark)
            if match:
                self.mark = 0 if self.on_screen else match.end()
                return match
            self._check_panic()
            if not alive:
                raise self._ended(f"before {pattern!r} came")
            now = time.monotonic()
            if now > deadline:
                raise self.failure(self._late("timeout"), f"{pattern!r} did not come within "
                                   f"{timeout * self.scale:.0f} s", ask=True)
            if idle and now - self.last_output > idle * self.scale:
                raise self.failure(self._late("hang"), f"nothing new for {idle * self.scale:.0f} "
                                   f"s while waiting for {pattern!r}", ask=True)

    def wait(self, timeout, idle=None):
        """Waits for QEMU to end by itself; returns its exit status."""
        deadline = time.monotonic() + timeout * self.scale
        self.last_output = time.monotonic()
        while self._read(min(0.25, deadline - time.monotonic())):
            now = time.monotonic()
            if now > deadline:
                raise self.failure(self._late("timeout"),
                                   f"no end within {timeout * self.scale:.0f} s", ask=True)
            if idle and now - self.last_output > idle * self.scale:
                raise self.failure(self._late("hang"),
                                   f"nothing new for {idle * self.scale:.0f} s", ask=True)
        self._reap()
        self._check_panic()
        if self.triple_fault():
            raise self._ended("")
        if self.status == 1:
            raise self._ended("")
        return self.status

    def alive(self, seconds=0.5):
        """Listens for a while; False, and the status is known, once QEMU has ended."""
        if self._read(seconds):
            return True
        self._reap()
        return False

    # ---- writing ---------------------------------------------------------------------------------

    def type(self, text):
        """Types text, a few characters at a time, each lot only when the last was echoed."""
        for start in range(0, len(text), TYPE_CHUNK):
            chunk = text[start:start + TYPE_CHUNK]
            before = len(self.output)
            try:
                self._process.stdin.write(chunk.encode("latin-1", "replace"))
            except BrokenPipeError:
                return  # QEMU has ended; whoever reads next learns how
            until = time.monotonic() + 0.3
            while len(self.output) < before + len(chunk) and time.monotonic() < until:
                if not self._read(until - time.monotonic()):
                    return

    def command(self, line, timeout=20, idle=None):
        """Runs one monitor command at the prompt and returns its output."""
        self.type(line)
        self._command_start = len(self.output)
        self.type("\r")
        self.expect(PROMPT, timeout, idle)
        answer = self.rest_of_command()
        answer = answer[:re.search(PROMPT, answer).start()]
        return answer + ("\n" if answer else "")

    def rest_of_command(self):
        """What came after the last command's echo; None if no command was typed."""
        if self._command_start is None:
            return None
        _, _, answer = self.output[self._command_start:].partition("\n")
        return answer

    def wait_ready(self, timeout=60, idle=None):
        """Waits until the kernel's boot list is done."""
        return self.expect(READY, timeout, idle)

    # ---- failing ---------------------------------------------------------------------------------

    def _check_panic(self):
        if self.panics:
            return
        match = _PANIC.search(self.seen())
        if not match:
            return
        deadline = time.monotonic() + 5 * self.scale
        while not _PANIC_END.search(self.seen()) and time.monotonic() < deadline:
            if not self._read(0.25):
                break
        raise self.failure("panic", _PANIC.search(self.seen())[1])

    def _late(self, kind):
        """A guest whose kernel never said a word is silent, whichever limit passed."""
        seen = self.output if not self.on_screen else self.seen()
        return kind if BANNER.search(seen) else "silent"

    def _reap(self):
        try:
            self.status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            child.kill(self._process)
            self.status = self._process.returncode

    def _ended(self, when):
        self._reap()
        if self.triple_fault():
            return self.failure("triple-fault", f"the CPU shut down {when}".rstrip())
        errors = self.errors()
        if self.status == 1 and errors:
            return self.failure("qemu", errors.splitlines()[-1])
        return self.failure(self._late("exited"),
                            f"QEMU ended with status {self.status} {when}".rstrip())

    def triple_fault(self):
        """Whether QEMU's log says that the CPU triple-faulted."""
        return "Triple fault" in self._file("resets")

    def errors(self):
        """What QEMU wrote to its standard error."""
        return self._file("errors").strip()

    def _file(self, name):
        """The content of one of QEMU's files; they are kept when the guest is gone."""
        if name in self._kept:
            return self._kept[name]
        try:
            with open(os.path.join(self._directory.name, name), encoding="utf-8",
                      errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def failure(self, kind, text, ask=False):
        """A GuestFailure with all that can be found out. @ask: the guest still runs, so ask it."""
        log = ["--- end of the log ---", self._decoded(self.log()) or "(nothing)"]
        # Where a long text is cut off the CPUs are worth more than the log.
        parts = self._diagnose() + log if ask else log
        if kind == "triple-fault" and not ask:
            parts += self._last_state
        if self.errors():
            parts += ["--- QEMU ---", self.errors()]
        return GuestFailure(kind, text, "\n".join(parts))

    def _symbols(self):
        try:
            return symbols.Symbols(self.elf) if self.elf else None
        except symbols.SymbolError:
            return None  # the log is still shown, only undecoded

    def _decoded(self, text):
        table = self._symbols()
        if not table or "PANIC" not in text:
            return text
        table.read_slide(self.output)  # @text may begin behind that line
        return table.decode_log(text)[0]

    def _diagnose(self):
        """Registers and backtrace of each CPU, and the screen, of a guest that still runs."""
        table, parts = self._symbols(), []
        try:
            self.qmp.command("stop")
            if table:
                table.ask_slide(self.qmp)
            for number, cpu in enumerate(symbols.registers_of(self.qmp.human("info registers -a"))):
                halted = ", halted" if cpu["halted"] else ""
                parts.append(f"--- CPU {number}: RIP={cpu['RIP']:#x} RSP={cpu['RSP']:#x} "
                             f"RBP={cpu['RBP']:#x}{halted} ---")
                if table:
                    self.qmp.human(f"cpu {number}")
                    parts += symbols.backtrace(table, self.qmp, cpu)
            parts += ["--- screen ---", screen.read(self.qmp) or "(blank)"]
        except (QmpError, OSError, ValueError) as error:
            parts.append(f"(QEMU could not be asked: {error})")
        return parts
