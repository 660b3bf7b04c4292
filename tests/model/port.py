#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Turns a lock-free header of include/exo into C++ for Relacy: what is checked is what runs.

    port.py HEADER [VARIANT]    prints the C++; VARIANT: one of the mistakes below, put in before
    port.py --list              prints each HEADER.VARIANT

Only declarations are rewritten: shared fields become Relacy's atomics, or variables that it watches
for races. Functions stay as they are; tests/model/model.h maps <stdatomic.h>'s names. A rule that
does not apply is an error, so that a header that has changed cannot slip through.
"""
import os
import re
import sys

INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "include", "exo")
ELSEWHERE = {"channel": os.path.join("..", "uapi", "exo"),  # than include/exo
             "search": os.path.join("..", "..", "tests", "model")}

# Fields that are no atomics, but shared: who may touch them when is what the queue is about.
WATCHED = {"injector": [("struct inject_node *", "next")]}

# A header without _Atomic, for programs in C++ as well: its shared fields, and what depends on
# where they are. channel.cpp has the cells.
SHARED = {
    "channel": [
        ("\tuint64_t head; /* the consumer's: all", "\tmodel_atomic<uint64_t> head; /* all"),
        ("\tuint64_t tail; /* the producers'", "\tmodel_atomic<uint64_t> tail; /* the producers'"),
        ("\tuint64_t sleeping;", "\tmodel_atomic<uint64_t> sleeping;"),
        ("\tuint64_t waiting;", "\tmodel_atomic<uint64_t> waiting;"),
        ("\tuint64_t word;\n};",
         "\tmodel_atomic<uint64_t> word;\n\trl::var<uint64_t> message[MODEL_WORDS];\n};"),
        ("return (struct exo_channel_cell *)(void *)((char *)(channel + 1) + offset);",
         "return model_cell(channel, offset >> 4);"),
        ("uint64_t *exo_channel_message(", "rl::var<uint64_t> *exo_channel_message("),
        ("return &cell->word + 1;", "return cell->message;"),
    ],
}
PLACE = ("uint64_t *const place", "model_atomic<uint64_t> *const place")

# header: {variant: (a text that occurs once, what replaces it)}
BROKEN = {
    "search": {
        "races_not_seen": ("\t\t\treverse(i, index);\n", ""),
        "sleeps_through": ("!dependent(accesses[i], before.access)", "true"),
        "newest_only": ("surplus || places[current].newest_only ?", "true ?"),
        "begins_with_any": ("if (is_first_of_these(i, first, second))", "if (true)"),
    },
    "injector": {
        "push_without_release": ("memory_order_seq_cst", "memory_order_relaxed"),
        "take_without_acquire": ("memory_order_acquire", "memory_order_relaxed"),
    },
    "steal_ring": {
        "push_without_release": ("tail + 1, memory_order_release",
                                 "tail + 1, memory_order_relaxed"),
        "steal_without_acquire": ("&victim->tail, memory_order_acquire",
                                  "&victim->tail, memory_order_relaxed"),
        "publish_without_release": ("more,\n\t\t\t      memory_order_release",
                                    "more,\n\t\t\t      memory_order_relaxed"),
        "one_too_many": ("==\n\t\t     STEAL_RING_SIZE)", "==\n\t\t     STEAL_RING_SIZE + 1)"),
        "half_not_validated": ("return atomic_compare_exchange_strong_explicit(&victim->head, "
                               "&head, head + count,",
                               "return (atomic_store_explicit(&victim->head, head + count, "
                               "memory_order_release), true) || "
                               "atomic_compare_exchange_strong_explicit(&victim->head, &head, "
                               "head,"),
    },
    "spin_word": {
        "turn_without_acquire": ("&word->state, memory_order_acquire",
                                 "&word->state, memory_order_relaxed"),
        "handed_looks_held": ("SPIN_HANDED = 3, ", "SPIN_HANDED = 1, "),
        "left_as_handed": ("\tatomic_store_explicit(&word->state, SPIN_HELD, "
                           "memory_order_relaxed);\n", ""),
        "promised_without_looking": (
            "atomic_compare_exchange_strong_explicit(&word->state, &state, SPIN_PROMISED,"
            "\n\t\t\t\t\t\t\t\tmemory_order_relaxed,\n\t\t\t\t\t\t\t\t",
            "atomic_store_explicit(&word->state, SPIN_PROMISED, "),
    },
    "channel": {
        "publish_without_release": (
            "exo_channel_published(claim->position),\n\t\t\t __ATOMIC_RELEASE",
            "exo_channel_published(claim->position),\n\t\t\t __ATOMIC_RELAXED"),
        "single_without_release": ("exo_channel_published(position), __ATOMIC_RELEASE",
                                   "exo_channel_published(position), __ATOMIC_RELAXED"),
        "pop_without_acquire": ("&cell->word, __ATOMIC_ACQUIRE", "&cell->word, __ATOMIC_RELAXED"),
        "take_without_release": ("head + EXO_CHANNEL_STEP, __ATOMIC_RELEASE",
                                 "head + EXO_CHANNEL_STEP, __ATOMIC_RELAXED"),
        "skip_without_release": ("consumer->head, __ATOMIC_RELEASE",
                                 "consumer->head, __ATOMIC_RELAXED"),
        "full_without_acquire": (
            "__ATOMIC_ACQUIRE) + producer->lap;\n\treturn (int64_t)",
            "__ATOMIC_RELAXED) + producer->lap;\n\treturn (int64_t)"),
        "init_without_acquire": ("&channel->head, __ATOMIC_ACQUIRE",
                                 "&channel->head, __ATOMIC_RELAXED"),
        "lapped_without_acquire": (
            "__atomic_load_n(&producer->channel->head, __ATOMIC_ACQUIRE);\n\n",
            "__atomic_load_n(&producer->channel->head, __ATOMIC_RELAXED);\n\n"),
        "one_too_many": ("+ producer->lap;\n\treturn (int64_t)",
                         "+ producer->lap + EXO_CHANNEL_STEP;\n\treturn (int64_t)"),
        "claim_without_exchange": (
            "__builtin_expect(__atomic_compare_exchange_n(&cell->word, &word,",
            "__builtin_expect((word == cell->word.load(rl::mo_relaxed, $) && "
            "(cell->word.store(position + producer->mine, rl::mo_relaxed, $), true)) || "
            "__atomic_compare_exchange_n(&cell->word, &word,"),
        "slow_claim_without_exchange": (
            "if (__atomic_compare_exchange_n(&cell->word, &word,",
            "if ((cell->word.store(position + producer->mine, rl::mo_relaxed, $), true) || "
            "__atomic_compare_exchange_n(&cell->word, &word,"),
        "claimed_again": ("if (compared >= 0) {", "if (compared > 0) {"),
        "bit_not_looked_at": ("(word & EXO_CHANNEL_SLEEPS) != 0", "false"),
        "sleep_by_a_store": (
            "return __atomic_compare_exchange_n(place, &word, word | EXO_CHANNEL_SLEEPS,",
            "return (__atomic_store_n(place, word | EXO_CHANNEL_SLEEPS, __ATOMIC_RELAXED), true) "
            "|| __atomic_compare_exchange_n(place, &word, word | EXO_CHANNEL_SLEEPS,"),
        "sleep_though_it_is_claimed": (
            "\tif (exo_channel_compare(word, consumer->head) == 0) {\n\t\tif (consumer->single)\n",
            "\tif (false) {\n\t\tif (consumer->single)\n"),
        "single_sleep_without_order": ("sleeping, 1, __ATOMIC_ACQ_REL",
                                       "sleeping, 1, __ATOMIC_RELAXED"),
        "flush_without_order": ("return __atomic_exchange_n(&producer->channel->sleeping, 0, "
                                "__ATOMIC_ACQ_REL",
                                "return __atomic_exchange_n(&producer->channel->sleeping, 0, "
                                "__ATOMIC_RELAXED"),
        "room_awaited_without_order": ("waiting, bit, __ATOMIC_ACQ_REL",
                                       "waiting, bit, __ATOMIC_RELAXED"),
        "room_told_without_order": ("waiting, 0, __ATOMIC_ACQ_REL",
                                    "waiting, 0, __ATOMIC_RELAXED"),
        "skip_without_looking": (
            " ||\n\t    word == exo_channel_published(consumer->head))", ")"),
    },
    "overflow_queue": {
        "link_without_release": ("&previous->next, first, memory_order_release",
                                 "&previous->next, first, memory_order_relaxed"),
        "claim_without_acquire": ("true, memory_order_acquire", "true, memory_order_relaxed"),
        "claim_without_release": ("false, memory_order_release", "false, memory_order_relaxed"),
        "chain_as_it_was_linked": ("\t\toverflow_queue_link(last, node);\n", ""),
        "oldest_not_put_back": ("\tatomic_store_explicit(&queue->oldest, node, "
                                "memory_order_relaxed);\n\treturn NULL;", "\treturn NULL;"),
    },
}


class PortError(Exception):
    """A rule does not fit the header."""


def replace(text, old, new):
    """Replaces the only occurrence."""
    if text.count(old) != 1:
        raise PortError(f"{old!r} occurs {text.count(old)} times")
    return text.replace(old, new)


def port(header, variant=None):
    """The C++ of a header."""
    name = os.path.join(INCLUDE, ELSEWHERE.get(header, ""), header + ".h")
    with open(name, encoding="utf-8") as file:
        text = file.read()
    if variant:
        old, new = BROKEN[header][variant]
        text = replace(text, old, new)
    if header == "search":  # for this one nothing else
        return text
    text = re.sub(r"#include <[^>]*>\n", "", text)
    if header in SHARED:
        for old, new in SHARED[header]:
            text = replace(text, old, new)
        return text.replace(*PLACE)
    for kind, name in WATCHED.get(header, ()):
        text = replace(text, f"\t{kind}{name};", f"\trl::var<{kind}> {name};")
        text = re.sub(rf"->{name}\b", f"->{name}($)", text)
    text, pointers = re.subn(r"\b((?:struct )?\w+ \*)_Atomic (\w+)", r"model_atomic<\1> \2", text)
    text, others = re.subn(r"\b_Atomic (\w+) (\w+)", r"model_atomic<\1> \2", text)
    if pointers + others == 0 or "_Atomic" in re.sub(r"/\*.*?\*/", "", text, flags=re.S):
        raise PortError("the atomics are not declared as expected")
    return text


def main(words):
    """The command line."""
    if words == ["--list"]:
        for header, variants in BROKEN.items():
            for variant in variants:
                print(f"{header}.{variant}")
        return 0
    try:
        print(port(*words), end="")
    except (PortError, KeyError, OSError) as error:
        print(f"port.py {' '.join(words)}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
