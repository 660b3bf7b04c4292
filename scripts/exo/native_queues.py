# SPDX-License-Identifier: MIT
"""The kernel's lock-free queues beside Concurrency Kit's and liburcu's, natively: scripts/native
--queues.

One program (tests/native/queues.c) has them all and lets them take turns. What a figure is worth
depends on how many CPUs the host has to spare: nothing is committed, nothing fails for being slow.
"""
import json
import os
import statistics

from exo import child

ITEMS, ROUNDS = 1000000, 15
QUICK_ITEMS, QUICK_ROUNDS = 20000, 2
GROUPS = {  # ours, and what does the same
    "injector": ("ck_stack", "lfstack", "wfcqueue", "ck_fifo"),
    "overflow_queue": ("wfcqueue", "ck_fifo"),
    "steal_ring": ("ck_ring",),
    "channel": ("wfcqueue", "ck_fifo", "ck_ring_mpsc"),
    "channel_single": ("channel_flush", "ck_ring_spsc", "ck_fifo_spsc"),
}
MODES = {0: "alone", 1: "1+1", 2: "2+1"}
LEGEND = """\
ns an item, pushed and taken: the median of all turns, and the least. alone: one thread. 1+1, 2+1:
producers + consumer, each a thread. injector, ck_stack and lfstack take all there is at once;
steal_ring's consumer is a thief, which takes halves; the others take one at a time."""


def measure(directory, build, quick, error):
    """Builds and runs; returns a row for each queue and mode."""
    program = os.path.join(build(directory, "queues"), "native.queues")
    items, rounds = (QUICK_ITEMS, QUICK_ROUNDS) if quick else (ITEMS, ROUNDS)
    ran = child.run([program, str(items), str(rounds)], 600)
    if not ran.ok:
        raise error(f"native.queues: {ran.reason()}", ran.output)
    return summary([json.loads(line) for line in ran.output.splitlines()])


def summary(turns):
    """The turns of each queue and mode as one row."""
    found = {}
    for turn in turns:
        found.setdefault((turn["queue"], turn["producers"]), []).append(turn["ns"])
    return [{"queue": queue, "producers": producers, "ns": statistics.median(times),
             "ns_least": min(times)} for (queue, producers), times in found.items()]


def table(rows):
    """The rows as text: each of our queues, then those like it."""
    by_name = {(row["queue"], row["producers"]): row for row in rows}
    lines = []
    for ours, theirs in GROUPS.items():
        modes = [mode for mode in MODES if (ours, mode) in by_name]
        lines.append(f"{ours:16}" + "".join(f"{MODES[mode]:>16}" for mode in modes))
        for name in (ours, *theirs):
            cells = [by_name[name, mode] for mode in modes]
            lines.append(f"  {name:14}" + "".join(
                f"{row['ns']:8.1f} ({row['ns_least']:5.1f})" for row in cells))
        lines += [f"  {text}" for text in verdicts(by_name, ours, theirs, modes)] + [""]
    return lines


def verdicts(by_name, ours, theirs, modes):
    """A line: our place in each mode."""
    places = []
    for mode in modes:
        figure = by_name[ours, mode]["ns"]
        place = 1 + sum(by_name[name, mode]["ns"] < figure for name in theirs)
        places.append(f"{MODES[mode]} {place}")
    return [f"place of {1 + len(theirs)}: {', '.join(places)}"]
