"""Whoosh's posting lists, a block at a time.

A matcher of Whoosh hands out its postings one by one, each through several Python calls; its blocks of 128
are there for the taking, through private members that are the same in all forks of Whoosh. A test watches
over them, and where one is missing the public way is taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

PRIVATE = (
    *("_atend", "_next_block"),
    *("_read_ids", "_ids", "_read_weights", "_weights", "_read_values", "_values"),
)


class RawPostings(NamedTuple):
    ids: list[int]
    weights: list[float]
    values: list[bytes]


def read_blocks(matcher: Any, *, values: bool = False) -> RawPostings:
    """Every posting of a term, a block at a time where the matcher allows it."""
    while not hasattr(matcher, "_next_block") and hasattr(matcher, "child"):
        matcher = matcher.child  # a filter of deleted documents; we have our own
    out = RawPostings([], [], [])
    if not all(hasattr(matcher, name) for name in PRIVATE):
        return read_one_by_one(matcher, values=values)
    while not matcher._atend:
        matcher._read_ids()
        out.ids.extend(matcher._ids)
        matcher._read_weights()
        out.weights.extend(matcher._weights)
        if values:
            matcher._read_values()
            out.values.extend(matcher._values)
        matcher._next_block()
    return out


def read_one_by_one(matcher: Any, *, values: bool = False) -> RawPostings:
    """The same through Whoosh's public interface: slower, and true for any of its matchers."""
    out = RawPostings([], [], [])
    while matcher.is_active():
        out.ids.append(matcher.id())
        out.weights.append(matcher.weight())
        if values:
            out.values.append(matcher.value())
        matcher.next()
    return out
