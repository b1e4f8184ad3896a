"""Whatever goes wrong at a partner's or on the road: we hold what it holds, or we say that we do not; and the work of
somebody here is as she left it.

The scenarios are those of `benchmarks/nights`; `dev.py bench truth` plays all of them, to other harvesters too. Here,
one of each sort is played on a base where work is under way, and the judge is judged: what it does not see is no proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import crash, truth
from benchmarks.nights.ours import play_ours
from benchmarks.nights.scenarios import SCENARIOS
from benchmarks.nights.world import OVERWRITTEN, RIGHT, SILENT, TOLD
from catalogue.merging import Merge
from catalogue.proposals import questions
from harvest import taking

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}

# A harvester that said « incomplete » of everything would never be wrong: most of these must be right in the end.
# What `test_oai` and `test_harvest` show from nearer is left to them.
ON_AN_EMPTY_BASE = {"a file came first": RIGHT, "every list shifted": TOLD}
WORKED_ON = (
    *("same record twice", "written during the harvest", "taken back there"),
    *("merged here, deleted, restored", "older run replayed"),
)


@pytest.mark.parametrize(("name", "verdict"), ON_AN_EMPTY_BASE.items())
def test_nothing_is_lost_in_silence(name: str, verdict: str, empty_file: Path) -> None:
    found = play_ours(BY_NAME[name], empty_file)
    assert (found.what, found.overwritten, found.doubles, found.lost) == (verdict, 0, 0, ()), found.detail


@pytest.mark.parametrize("name", WORKED_ON)
def test_the_work_of_somebody_is_as_she_left_it(name: str, empty_file: Path) -> None:
    found = play_ours(BY_NAME[name], empty_file, worked=True)
    assert (found.what, found.overwritten, found.doubles, found.lost) == (RIGHT, 0, 0, ()), found.detail


def test_scenarios_have_names_and_answer_what_was_asked_for() -> None:
    named = {name for items in truth.asked().values() for names in items.values() for name in names}
    assert named == BY_NAME.keys()
    assert len(BY_NAME) == len(SCENARIOS) >= 100


# --- the judge ---------------------------------------------------------------------------------


def _bold(take_in: Callable[..., Any]) -> Callable[..., Any]:
    """A harvester that lets notices follow their records."""
    return lambda *given, **named: take_in(*given, **{**named, "follow": True})


def _forgetful(merged: Callable[..., Merge]) -> Callable[..., Merge]:
    """One that finds nothing to ask about."""
    return lambda *given: replace(merged(*given), changes=())


@pytest.mark.parametrize(
    ("home", "name", "spoil", "verdict"),
    [(taking.intake, "take_in", _bold, OVERWRITTEN), (questions, "merged", _forgetful, SILENT)],
    ids=["bold", "forgetful"],
)
def test_a_bad_harvester_is_found_out(
    home: Any, name: str, spoil: Callable[..., Any], verdict: str, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, name, spoil(getattr(home, name)))
    assert play_ours(BY_NAME["good health"], empty_file, worked=True).what == verdict


# --- killed ------------------------------------------------------------------------------------


def test_killed_on_the_way_it_ends_as_if_it_had_not_been(
    empty_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash, "SIZE", 31)
    prepared = crash.prepare(empty_file, tmp_path, crash.HARVEST)
    _kills, twin, _doubles = crash.played(prepared, crash.HARVEST)
    outcome = crash.turn(prepared, crash.HARVEST, [0.2], twin)
    assert (outcome.lost, outcome.doubles, outcome.differences) == (0, 0, ())
