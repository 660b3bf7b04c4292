# SPDX-License-Identifier: MIT
"""Runs jobs side by side and shows how it goes.

A job is what is started as one thing (a guest, a test program, a build) and yields one or more
results: a guest's self tests are one job and hundreds of results. A job that yields no result, or
ends with an exception, has failed; nothing can get lost without being counted.
"""
import re
import shutil
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Callable

from exo import child, results
from exo.builds import BuildError
from exo.guest import GuestFailure
from exo.results import FAILED, SKIPPED, Result


class Skip(Exception):
    """Raised by a job that cannot be run here; the text is the reason."""


class Failed(Exception):
    """Raised by a job: a message and, optionally, details."""

    def __init__(self, message, details=""):
        super().__init__(message)
        self.details = details


@dataclass
class Job:
    """@name: layer.rest; @run takes the Context and returns results, or None for one that passed;
    @weight: seconds it is guessed to take, for starting the long ones first; @contents: names of
    results that it may yield, as far as they are known before, for --filter."""
    name: str
    run: Callable
    weight: float = 1.0
    contents: list = field(default_factory=list)

    def matches(self, pattern):
        """Whether --filter asks for this job or for something in it."""
        return any(pattern.search(name) for name in [self.name] + self.contents)


@dataclass
class Context:
    """What every job gets: the shared builds, the factor on every time limit, and the filter."""
    builds: object = None
    scale: float = 1.0
    pattern: re.Pattern = None


def run_job(job, context):
    """Runs one job; whatever happens becomes results."""
    began = time.monotonic()
    try:
        found = job.run(context)
        if found is None:
            found = [Result(job.name, results.PASSED, time.monotonic() - began)]
        if not found:
            found = [Result(job.name, FAILED, message="the job ended without a single result")]
    except Skip as skip:
        found = [Result(job.name, SKIPPED, message=str(skip))]
    except child.Closing:
        found = [Result(job.name, FAILED, message="interrupted")]
    except GuestFailure as failure:
        found = [Result(job.name, FAILED, message=str(failure), details=failure.details)]
    except (Failed, BuildError) as failure:
        found = [Result(job.name, FAILED, message=str(failure), details=failure.details)]
    except Exception as error:  # a broken test must be one failed test, not the end of the run
        found = [Result(job.name, FAILED, message=f"{type(error).__name__}: {error}",
                        details=traceback.format_exc())]
    seconds = time.monotonic() - began
    if len(found) == 1 and not found[0].seconds:
        found[0].seconds = seconds
    return _filtered(found, job, context), seconds


def _filtered(found, job, context):
    """Of a job that matches --filter only by what is in it, that part; failures always."""
    if not context.pattern or context.pattern.search(job.name):
        return found
    return [row for row in found if row.status == FAILED or context.pattern.search(row.name)] \
        or [Result(job.name, FAILED, message="what the filter asks for was not among the results")]


class Progress:
    """One line for each finished job; on a terminal also a last line that says what is running."""

    def __init__(self, total, stream=sys.stdout):
        self.total = total
        self.stream = stream
        self.live = stream.isatty()
        self._done = 0
        self._running = []
        self._lock = threading.Lock()

    def started(self, job):
        """A job has begun."""
        with self._lock:
            self._running.append(job.name)
            self._show_running()

    def finished(self, job, found, seconds):
        """A job has ended with these results."""
        with self._lock:
            self._running.remove(job.name)
            self._done += 1
            width = len(str(self.total))
            self._print(f"[{self._done:{width}}/{self.total}] {job.name} … "
                        f"{_verdict(found)} {seconds:.2f}s")
            for row in found:
                if row.status == FAILED:
                    self._print(_failure_text(row, job))
            self._show_running()

    def _print(self, text):
        if self.live:
            self.stream.write("\r\x1b[K")
        self.stream.write(text + "\n")
        self.stream.flush()

    def _show_running(self):
        if not self.live:
            return
        columns = shutil.get_terminal_size().columns
        text = f"  {self._done}/{self.total}, running: {', '.join(self._running)}"
        self.stream.write("\r\x1b[K" + (text[:columns - 1] if self._running else ""))
        self.stream.flush()


def _verdict(found):
    passed, failed, skipped = results.count(found)
    if len(found) == 1:
        row = found[0]
        return "ok" if passed else "FAILED" if failed else f"skipped ({row.message})"
    text = f"{passed} ok"
    if skipped:
        text += f", {skipped} skipped"
    return text if not failed else f"{failed} FAILED, {text}"


def _failure_text(row, job):
    name = "" if row.name == job.name else f"{row.name}: "
    text = f"FAILED {name}{row.message}"
    if row.details:
        text += "\n" + row.details.rstrip()
    return "\n".join("    " + line for line in text.splitlines())


def run_all(jobs, context, workers, stream=sys.stdout):
    """Runs every job, @workers at a time, the heaviest first; returns all results."""
    progress = Progress(len(jobs), stream)
    collected = []

    def work(job):
        progress.started(job)
        found, seconds = run_job(job, context)
        progress.finished(job, found, seconds)
        return found

    pool = ThreadPoolExecutor(workers)
    try:
        futures = [pool.submit(work, job) for job in sorted(jobs, key=lambda job: -job.weight)]
        for future in as_completed(futures):
            collected += future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        child.kill_all()
        raise
    pool.shutdown()
    return collected
