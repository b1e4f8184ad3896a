"""Every scenario of `benchmarks.nights`, played to Travée, to Sickle and to oaipmh-scythe; the table goes into docs/.

The partner knows the truth. A harvester is *right* when it holds it after the last night, *told* when it says that
something is missing, refused or perhaps double, and anything else is a *silent loss*. Travée is judged on more: what
somebody here wrote, the questions that wait, claims, copies (`benchmarks.nights.ledger`), on an empty base and on one
where work is under way. Sickle and scythe are libraries: what is played is the script one writes with them (list, keep,
drop what is announced deleted, next time from when it last succeeded).

    python3 dev.py bench truth [--quick]         (--quick: ours alone, nothing written)
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import figures
from benchmarks.nights.others import play_other, scythe, sickle
from benchmarks.nights.ours import empty_base, play_ours, worst
from benchmarks.nights.scenarios import SCENARIOS
from benchmarks.nights.world import ENDLESS_LOOP, OVERWRITTEN, RIGHT, SILENT, TOLD, Verdict

TABLE = Path(__file__).parent.parent / "docs" / "harvest-truth.md"
ASKED = Path(__file__).parent / "nights" / "asked.toml"
SECTIONS = {
    "road": "On the road, and attacks",
    "pmb": "PMB as it is (PMB.md, sections 2.1, 2.3 and 5)",
    "merging": "People at work on both sides",
}
OURS = "Travée"
Played = dict[str, Verdict]  # by harvester
HEAD = """# What a harvest makes of what goes wrong

Written by `python3 dev.py bench truth`. Each scenario is played over real HTTP, by a partner that knows what it
holds (`demo/partner.py` speaks PMB's dialect, `demo/partner_standard.py` the standard), to three harvesters: Travée,
and the script one writes with Sickle or with oaipmh-scythe (list everything, then from when the last list succeeded;
drop what is announced deleted). scythe drops the query string in which PMB names its source; it was put back for it.

Travée plays each twice: on an empty base, and on one into which an older export of two thirds of the partner's base
was imported, and where somebody has been at work since. She retouches the very fields that the partner changes next
(titles, subjects, summaries), takes a publisher out, merges a notice of the partner's into one of hers, shelves a copy,
lets new notes in by a rule; and each evening she accepts one change, refuses another, takes note of deletions and
writes on. After every night it is checked that

- every field of every notice is as she left it, but for notes that her rule lets in, and no notice has another status;
- each value that a partner says and a notice does not waits in one question, exactly once, unless she took it out or
  refused it; what a partner says no more waits too; nothing is asked in vain, twice, or again after a refusal;
- each living record speaks of one notice; a deletion waits for her once it is confirmed, and its claim is withdrawn
  when she has taken note of it, not before; a record that comes back speaks again;
- our copies are ours and the partner's are dated holdings beside the right notice; `travee check` finds nothing;
- one document has one notice: where there are two, somebody is asked about the pair.

The worse of the two counts.

- **right**: after the last night it holds what the partner holds, and all of the above is so.
- **told**: it does not, and it said so: an incomplete run and its reason, a record refused by name, a possible double
  that somebody is asked about, an exception.
- **silent loss**: it does not, or one of the above is not so, and nothing said it.
- **overwritten**: something that somebody wrote here is no longer there.
- **never ends**: stopped by us, after four hundred records of a base of twelve, or half a minute.

"""


def main() -> None:
    logging.disable(logging.CRITICAL)
    quick = "--quick" in sys.argv
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        template = str(empty_base(Path(folder)))
        tasks = [(number, template, quick) for number in range(len(SCENARIOS))]
        played: dict[str, Played] = {}
        with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1)) as pool:
            for name, verdicts in pool.imap(play, tasks):
                played[name] = verdicts
                told = " | ".join(f"{v.what:11}" for v in verdicts.values())
                wrong = "; ".join([*verdicts[OURS].lost[:3], verdicts[OURS].detail][:3]) if is_wrong(verdicts) else ""
                print(f"{name:30} {told} {wrong}".rstrip(), flush=True)
    minutes = (time.monotonic() - begun) / 60
    if not quick:
        TABLE.write_text(HEAD + "\n".join(table(played)) + "\n", "utf-8")
        print(f"written: {TABLE}")
    figures([*rows(played), {"what": "time", "value": round(minutes, 1), "unit": "min", "target": "<= 6"}])


def play(task: tuple[int, str, bool]) -> tuple[str, Played]:
    """One scenario, by every harvester, in a process of a pool."""
    number, template, quick = task
    logging.disable(logging.CRITICAL)
    scenario = SCENARIOS[number]
    played = {OURS: worst(*(play_ours(scenario, Path(template), worked=worked) for worked in (False, True)))}
    if not quick:
        played |= {"Sickle": play_other(scenario, sickle), "oaipmh-scythe": play_other(scenario, scythe)}
    return scenario.name, played


def is_wrong(verdicts: Played) -> bool:
    return verdicts[OURS].what not in (RIGHT, TOLD)


def table(played: Mapping[str, Played]) -> list[str]:
    """Markdown: a line a scenario, the sums, what was asked for and where it is shown, what was said."""
    names = harvesters(played)
    lines = [f"| Scenario | What goes wrong | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for scenario in SCENARIOS:
        verdicts = " | ".join(shown(played[scenario.name][name].what) for name in names)
        lines.append(f"| {scenario.name} | {scenario.says} | {verdicts} |")
    lines += ["", f"| {len(SCENARIOS)} scenarios | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for what in (RIGHT, TOLD, SILENT, OVERWRITTEN, ENDLESS_LOOP):
        counts = " | ".join(str(count(played, name)[what]) for name in names)
        lines.append(f"| {what} | {counts} |")
    ours = [verdicts[OURS] for verdicts in played.values()]
    lines += [
        "",
        f"Notices of ours overwritten by Travée: {sum(v.overwritten for v in ours)}. "
        f"Doubles that nobody is asked about: {sum(v.doubles for v in ours)}. "
        f"Questions, claims or copies astray: {sum(len(v.lost) for v in ours)}.",
    ]
    said = [
        f"- *{name}*: {without_address(verdicts[OURS].detail)}"
        for name, verdicts in played.items()
        if verdicts[OURS].what != RIGHT
    ]
    return [*lines, "", *correspondence(), "", "## In Travée's words", "", *said]


def asked() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = tomllib.loads(ASKED.read_text("utf-8"))
    return found


def correspondence() -> list[str]:
    """What was asked for, line by line, and the scenarios that show it."""
    lines = ["## What was asked for, and where it is shown"]
    for section, items in asked().items():
        lines += ["", f"| {SECTIONS[section]} | Scenarios |", "|---|---|"]
        lines += [f"| {item} | {', '.join(names)} |" for item, names in items.items()]
    return lines


def shown(what: str) -> str:
    return what if what in (RIGHT, TOLD) else f"**{what}**"


def without_address(told: str) -> str:
    """What it said, with the same words at each writing: ports differ."""
    return re.sub(r"(127\.0\.0\.1|localhost):\d+", "pmb.example", told)


def harvesters(played: Mapping[str, Played]) -> Sequence[str]:
    return list(next(iter(played.values())))


def count(played: Mapping[str, Played], name: str) -> Counter[str]:
    return Counter(verdicts[name].what for verdicts in played.values())


def rows(played: Mapping[str, Played]) -> list[dict[str, object]]:
    ours = [verdicts[OURS] for verdicts in played.values()]
    counted = count(played, OURS)
    measured: list[tuple[str, object, str]] = [
        ("fault scenarios", len(played), ">= 40"),
        ("silent losses", counted[SILENT], "= 0"),
        ("lists without end", counted[ENDLESS_LOOP], "= 0"),
        ("notices of ours overwritten", sum(v.overwritten for v in ours), "= 0"),
        ("doubles nobody is asked about", sum(v.doubles for v in ours), "= 0"),
        ("questions, claims, copies astray", sum(len(v.lost) for v in ours), "= 0"),
        ("right after the last night", counted[RIGHT], ""),
    ]
    for name in harvesters(played)[1:]:
        lost = count(played, name)[SILENT] + count(played, name)[ENDLESS_LOOP]
        measured.append((f"{name}: silent losses or no end", lost, ""))
    return [{"what": what, "value": value, "unit": "", "target": target} for what, value, target in measured]


if __name__ == "__main__":
    main()
