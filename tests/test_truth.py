"""Whatever goes wrong at a partner's or on the road: we hold what it holds, or we say that we do not.

The scenarios are those of `benchmarks/nights`, played to us alone; `dev.py bench truth` plays all of them, to other
harvesters too. Left out here: what takes long, and what `test_oai` and `test_harvest` show from nearer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import crash
from benchmarks.nights.scenarios import SCENARIOS
from benchmarks.nights.world import RIGHT, TOLD, Scenario, play_ours

ELSEWHERE = frozenset(
    (
        *("slow drip", "20 MB record", "mass deletion", "mass deletion, believed", "empty list", "changes"),
        *("nothing new", "good health", "standard, Dublin Core", "503, seconds", "503, HTTP date", "503 for ever"),
        *("503 for hours", "500, then recovery", "web page once", "truncated last page", "truncated once"),
        *("reset once", "expired once", "shifted page", "two sets", "unknown set", "unknown format", "turning tokens"),
        *("empty metadata", "unknown source", "source not set up", "server down", "deletion announced", "new 009"),
        *("deletion not announced", "one set of two fails", "no date moves", "redirect inside", "external entity"),
        *("changed on the way", "added on the way", "more announced", "wrong counters", "ghosts with content"),
        *("copies listed", "record without a title", "500, empty", "oai_dc is 500", "PHP warning", "from ignored"),
        *("not gzip", "PMB's namespace", "edited within the hour", "empty page", "wrong charset", "token loop"),
    )
)

# A harvester that said « incomplete » of everything would never be wrong either: these must be right in the end.
PASSES = frozenset(
    (
        *("a file came first", "deleted on the way", "backdated change", "backdated addition", "stale copy", "ghosts"),
        *("leaves every list", "not in the list", "down on the way", "clock ahead", "living, announced deleted"),
    )
)


@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if s.name not in ELSEWHERE], ids=lambda scenario: str(scenario.name)
)
def test_nothing_is_lost_in_silence(scenario: Scenario, empty_file: Path) -> None:
    verdict = play_ours(scenario, empty_file)
    assert verdict.what in ((RIGHT,) if scenario.name in PASSES else (RIGHT, TOLD)), verdict.detail
    assert (verdict.overwritten, verdict.doubles) == (0, 0)
    assert "{" not in verdict.detail


def test_names_are_told_apart() -> None:
    assert len({s.name for s in SCENARIOS}) == len(SCENARIOS) >= 40
    assert {s.name for s in SCENARIOS} >= ELSEWHERE


@pytest.mark.parametrize("moment", [0.05, 0.25])
def test_killed_at_any_moment_the_next_harvest_completes_it(empty_file: Path, moment: float) -> None:
    outcome = crash.turn(empty_file, [moment])
    assert (outcome.lost, outcome.doubles, outcome.status, outcome.balanced) == (0, 0, "complete", True)
