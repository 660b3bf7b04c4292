# SPDX-License-Identifier: MIT
"""QEMU's control channel (QMP): registers, memory, screen and events of a running guest.

The channel is a socket pair of which QEMU inherits one end, so there is no path to choose, to wait
for or to clean up. A fake QEMU in the tests never answers; every call has a time limit for that.
"""
import json
import os
import re
import socket
import tempfile
import time


PATIENCE = 5.0  # seconds for one answer


class QmpError(Exception):
    """QEMU did not answer, or answered with an error."""


class Qmp:
    """One control channel. Make it before QEMU; give QEMU arguments() and inherit()."""

    def __init__(self):
        self._ours, self._theirs = socket.socketpair()
        self._theirs.set_inheritable(True)
        self._buffer = b""
        self._sent = 0
        self.events = []  # every event that came, oldest first

    def arguments(self):
        """What QEMU's command line needs."""
        return ["-chardev", f"socket,id=qmp,fd={self._theirs.fileno()}",
                "-mon", "chardev=qmp,mode=control"]

    def inherit(self):
        """The file descriptors that QEMU must inherit."""
        return [self._theirs.fileno()]

    def started(self):
        """QEMU has its end: let go of the copy, so that QEMU's end is seen here as an end.

        Also asks for events, which QEMU sends only after that; the answer is not waited for.
        """
        self._theirs.close()
        self._send("qmp_capabilities", {})

    def close(self):
        """Ends the channel; QEMU itself goes on."""
        self._ours.close()
        self._theirs.close()

    def command(self, name, **arguments):
        """Runs one QMP command and returns its result."""
        deadline = time.monotonic() + PATIENCE
        number = self._send(name, arguments)
        while True:
            message = self._message(deadline)
            if message.get("id") == number:
                if "error" in message:
                    raise QmpError(message["error"].get("desc", "error"))
                return message["return"]

    def human(self, line):
        """Runs one command of QEMU's human monitor and returns its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def fileno(self):
        """For select()."""
        return self._ours.fileno()

    def poll(self):
        """Takes what has come; False when the channel has ended. @events holds the events."""
        self._ours.setblocking(False)
        try:
            while True:
                data = self._ours.recv(65536)
                if not data:
                    return False
                self._buffer += data
        except BlockingIOError:
            pass
        except OSError:
            return False
        while b"\n" in self._buffer:
            self._message(0)
        return True

    def shutdown_reason(self):
        """QEMU's word for why the guest is over: guest-shutdown, guest-reset, ...; None if not."""
        for event in self.events:
            if event["event"] == "SHUTDOWN":
                return event["data"].get("reason")
        return None

    def memory(self, base, size):
        """@size bytes of the guest's physical memory."""
        return self._by_file(lambda name: self.command(
            "pmemsave", val=base, size=size, filename=name))

    def screen(self):
        """The screen as (width, height, RGB bytes)."""
        data = self._by_file(lambda name: self.command("screendump", filename=name))
        match = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        if not match:
            raise QmpError("QEMU's screen dump is no PPM image")
        return int(match[1]), int(match[2]), data[match.end():]

    def _by_file(self, command):
        with tempfile.TemporaryDirectory(prefix="exo-qmp-") as directory:
            name = os.path.join(directory, "data")
            command(name)
            with open(name, "rb") as file:
                return file.read()

    def _send(self, name, arguments):
        self._sent += 1
        text = json.dumps({"execute": name, "arguments": arguments, "id": self._sent})
        try:
            self._ours.sendall(text.encode() + b"\n")
        except OSError as error:
            raise QmpError(f"QEMU's control channel is closed: {error}") from error
        return self._sent

    def _message(self, deadline):
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError("QEMU's control channel does not answer")
            self._ours.settimeout(left)
            try:
                data = self._ours.recv(65536)
            except OSError as error:  # a timeout is one, too
                raise QmpError(f"QEMU's control channel does not answer: {error}") from error
            if not data:
                raise QmpError("QEMU closed its control channel")
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append(message)
        return message
