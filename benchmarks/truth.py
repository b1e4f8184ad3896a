"""Every scenario of `nights.scenarios`, played to Travée, to Sickle and to oaipmh-scythe; the table goes into docs/.

The partner knows the truth. A harvester is *right* when it holds it after the last night, *told* when it says that
something is missing or refused, and anything else is a *silent loss*. Sickle and scythe are libraries: what is played
is the script one writes with them (list, keep, drop what is announced deleted, next time from when it last succeeded).

    python3 dev.py bench truth [--quick]         (--quick: ours alone, nothing written)
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import figures
from benchmarks.nights.others import play_other, scythe, sickle
from benchmarks.nights.scenarios import SCENARIOS
from benchmarks.nights.world import ENDLESS_LOOP, RIGHT, SILENT, TOLD, Scenario, Verdict, empty_base, play_ours

TABLE = Path(__file__).parent.parent / "docs" / "harvest-truth.md"
OURS = "Travée"
HEAD = """# What a harvest makes of what goes wrong

Written by `python3 dev.py bench truth`. Each scenario is played over real HTTP, by a partner that knows what it
holds (`demo/partner.py` speaks PMB's dialect, `demo/partner_standard.py` the standard), to three harvesters: Travée,
and the script one writes with Sickle or with oaipmh-scythe (list everything, then from when the last list succeeded;
drop what is announced deleted). scythe drops the query string in which PMB names its source; it was put back for it.
Somebody retouches three of our notices after the first night.

- **right**: after the last night it holds what the partner holds.
- **told**: it does not, and it said so: an incomplete run and its reason, a record refused by name, an exception.
- **silent loss**: it does not, and nothing said so.
- **never ends**: stopped by us, after four hundred records of a base of twelve, or half a minute.

"""


def main() -> None:
    logging.disable(logging.CRITICAL)
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        template = empty_base(Path(folder))
        players: dict[str, Callable[[Scenario], Verdict]] = {OURS: lambda scenario: play_ours(scenario, template)}
        if not quick:
            players |= {
                "Sickle": lambda scenario: play_other(scenario, sickle),
                "oaipmh-scythe": lambda scenario: play_other(scenario, scythe),
            }
        played: dict[str, dict[str, Verdict]] = {}
        for scenario in SCENARIOS:
            played[scenario.name] = {name: play(scenario) for name, play in players.items()}
            told = " | ".join(f"{v.what:11}" for v in played[scenario.name].values())
            print(f"{scenario.name:28} {told}", flush=True)
    if not quick:
        TABLE.write_text(HEAD + "\n".join(table(played, list(players))) + "\n", "utf-8")
        print(f"written: {TABLE}")
    figures(rows(played, list(players)))


def table(played: Mapping[str, Mapping[str, Verdict]], names: Sequence[str]) -> list[str]:
    """Markdown: a line a scenario, then the sums."""
    lines = [f"| Scenario | What goes wrong | {' | '.join(names)} |", "|---|---|" + "---|" * len(names)]
    for scenario in SCENARIOS:
        verdicts = " | ".join(shown(played[scenario.name][name].what) for name in names)
        lines.append(f"| {scenario.name} | {scenario.says} | {verdicts} |")
    lines += ["", f"| {len(SCENARIOS)} scenarios | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for what in (RIGHT, TOLD, SILENT, ENDLESS_LOOP):
        counts = " | ".join(str(count(played, name)[what]) for name in names)
        lines.append(f"| {what} | {counts} |")
    ours = [verdicts[OURS] for verdicts in played.values()]
    lines += [
        "",
        f"Local edits overwritten by Travée: {sum(v.overwritten for v in ours)}. "
        f"Doubles made: {sum(v.doubles for v in ours)}.",
    ]
    said = [
        f"- *{scenario.name}*: {detail}"
        for scenario in SCENARIOS
        if (detail := without_address(played[scenario.name][OURS])) and played[scenario.name][OURS].what == TOLD
    ]
    return [*lines, "", "## In Travée's words", "", *said]


def shown(what: str) -> str:
    return f"**{what}**" if what in (SILENT, ENDLESS_LOOP) else what


def without_address(verdict: Verdict) -> str:
    """What it said, with the same words at each writing: ports differ."""
    return re.sub(r"(127\.0\.0\.1|localhost):\d+", "pmb.example", verdict.detail)


def count(played: Mapping[str, Mapping[str, Verdict]], name: str) -> Counter[str]:
    return Counter(verdicts[name].what for verdicts in played.values())


def rows(played: Mapping[str, Mapping[str, Verdict]], names: Sequence[str]) -> list[dict[str, object]]:
    ours = [verdicts[OURS] for verdicts in played.values()]
    out: list[dict[str, object]] = [
        {"what": "fault scenarios", "value": len(played), "unit": "", "target": ">= 40"},
        {"what": "silent losses", "value": count(played, OURS)[SILENT], "unit": "", "target": "= 0"},
        {"what": "lists without end", "value": count(played, OURS)[ENDLESS_LOOP], "unit": "", "target": "= 0"},
        {
            "what": "local edits overwritten",
            "value": sum(v.overwritten for v in ours),
            "unit": "",
            "target": "= 0",
        },
        {"what": "doubles", "value": sum(v.doubles for v in ours), "unit": "", "target": "= 0"},
        {"what": "right after the last night", "value": count(played, OURS)[RIGHT], "unit": "", "target": ""},
    ]
    for name in names[1:]:
        lost = count(played, name)[SILENT] + count(played, name)[ENDLESS_LOOP]
        out.append({"what": f"{name}: silent losses or no end", "value": lost, "unit": "", "target": ""})
    return out


if __name__ == "__main__":
    main()
