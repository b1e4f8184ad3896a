"""Python's cycle collector, kept from walking through the records under way again and again.

A page or a batch is a hundred thousand lists and strings without a cycle; looking for one took a quarter of the time
of an import, and a third of a harvest that meets many notices.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

ROUNDS = 10  # pages or batches between two looks at what they left behind
WHOLE = 100  # between two looks at everything, which takes the longer the more the process holds


@contextmanager
def collector_aside() -> Iterator[Callable[[], object]]:
    """The collector is off within the block; whoever calls what it gets, between two rounds, has it look then."""
    rounds = count(1)
    was_on = gc.isenabled()
    gc.disable()

    def look() -> object:
        at = next(rounds)
        return gc.collect(2 if at % WHOLE == 0 else 1) if at % ROUNDS == 0 else 0

    try:
        yield look
    finally:
        if was_on:
            gc.enable()
