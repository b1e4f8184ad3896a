"""The cycle collector rests while records go by, and what they leave behind is found all the same."""

from __future__ import annotations

import gc
import weakref

import pytest

from harvest.collector import ROUNDS, collector_aside


class Knot:
    def __init__(self) -> None:
        self.itself = self


def test_it_rests_within_and_wakes_up_after_even_when_something_fails():
    with pytest.raises(ValueError, match="a page"), collector_aside():
        assert not gc.isenabled()
        raise ValueError("a page")
    assert gc.isenabled()


def test_one_within_another_leaves_it_at_rest():
    with collector_aside():
        with collector_aside():
            pass
        assert not gc.isenabled()


def test_what_pages_leave_behind_does_not_pile_up():
    with collector_aside() as look:
        left = weakref.ref(Knot())
        assert left() is not None
        for _page in range(ROUNDS):
            look()
        assert left() is None
