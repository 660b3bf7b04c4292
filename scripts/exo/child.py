# SPDX-License-Identifier: MIT
"""Child processes that always end: each has a time limit, a process group of its own, and is killed
when this program ends, however it ends.

A child is killed with its whole group (compilers under make, for instance). kill_all() is for the
way out after Ctrl-C; PR_SET_PDEATHSIG, by setpriv where there is one, is for the case that this
program itself is killed outright. The latter is bound to the *thread* that starts the child, so a
thread must outlive its children, which run() and the guests see to.
"""
import os
import shutil
import signal
import subprocess
import threading
import time

_lock = threading.Lock()
_running = set()
_closing = False


class Closing(Exception):
    """The program is on its way out: no new child is started."""


class Finished:
    """What is known of a child that ended."""

    def __init__(self, command, status, output, seconds, timed_out):
        self.command = command
        self.status = status  # exit status; negative: killed by that signal
        self.output = output  # stdout and stderr as they came
        self.seconds = seconds
        self.timed_out = timed_out

    @property
    def ok(self):
        """Ended in time and with status 0."""
        return self.status == 0 and not self.timed_out

    def reason(self):
        """Why it is not ok, in words."""
        if self.timed_out:
            return f"no end after {self.seconds:.0f} s"
        if self.status < 0:
            return f"killed by {signal.Signals(-self.status).name}"
        return f"exit status {self.status}"


def bound_to_parent(command):
    """The command so that the kernel kills it when the thread that starts it ends."""
    command = [str(word) for word in command]
    return (["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []) + command


def start(command, **options):
    """Starts a child in a group of its own and remembers it for kill_all()."""
    with _lock:
        if _closing:
            raise Closing
        process = subprocess.Popen(bound_to_parent(command), start_new_session=True, **options)
        _running.add(process)
    return process


def kill(process):
    """Kills the child's whole group and waits for the child."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # every process of the group has ended already
    process.wait()
    with _lock:
        _running.discard(process)


def kill_all():
    """Kills every child that still runs, and lets none start any more."""
    global _closing
    with _lock:
        _closing = True
        running = list(_running)
    for process in running:
        kill(process)


def run(command, timeout, cwd=None, env=None, stdin=None):
    """Runs a command to its end, at most @timeout seconds; returns a Finished.

    @env adds to the environment; @stdin is text for the child, which otherwise reads /dev/null.
    """
    began = time.monotonic()
    process = start(command, cwd=cwd, env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timed_out = False
    try:
        output, _ = process.communicate(None if stdin is None else stdin.encode(), timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        kill(process)
        output, _ = process.communicate()
    finally:
        kill(process)
    return Finished(command, process.returncode, output.decode(errors="replace"),
                    time.monotonic() - began, timed_out)
