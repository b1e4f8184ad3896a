"""The same nights for two other harvesters: the script that one writes with Sickle, or with oaipmh-scythe."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from benchmarks.nights.world import ENDLESS_LOOP, RECI, RIGHT, SILENT, TOLD, Scenario, Verdict, playing
from catalogue import unimarc
from demo.partner import Partner
from harvest import run

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SyntaxWarning)  # strings of 2020, in Sickle
    from sickle import Sickle

PATIENCE = 30.0  # seconds that another harvester has for a scenario
ENDLESS = 400  # records: whoever has taken so many from a base of twelve will not stop

Told = tuple[str, bool, str]  # identifier, deleted, title
Lister = Callable[[str, str, str, str], Iterator[Told]]  # url, prefix, set, from


def sickle(url: str, prefix: str, set_spec: str, since: str) -> Iterator[Told]:
    arguments = {"metadataPrefix": prefix, "set": set_spec, "from": since}
    client = Sickle(url, max_retries=2, default_retry_after=1, timeout=5)
    for record in client.ListRecords(**{name: value for name, value in arguments.items() if value}):
        yield record.header.identifier or "", bool(record.header.deleted), _title(record.xml)


def scythe(url: str, prefix: str, set_spec: str, since: str) -> Iterator[Told]:
    """It drops what an address says behind « ? », where PMB names its source: put back, else nothing would come."""
    from oaipmh_scythe import Scythe

    class Patched(Scythe):
        def _request(self, query: dict[str, str]) -> Any:
            return super()._request({**dict(parse_qsl(urlsplit(url).query)), **query})

    with Patched(url, max_retries=2, default_retry_after=1, timeout=5) as client:
        found: Any = client.list_records(from_=since or None, metadata_prefix=prefix, set_=set_spec or None)
        for record in found:
            yield record.header.identifier or "", bool(record.header.deleted), _title(record.xml)


def _title(element: etree._Element) -> str:
    """The title, in PMB's XML, MARCXML or Dublin Core."""
    for path in (
        ".//*[local-name()='f'][@c='200']/*[@c='a']",
        ".//*[local-name()='datafield'][@tag='200']/*[@code='a']",
        ".//*[local-name()='title']",
    ):
        if found := element.xpath(path):
            return found[0].text or ""
    return ""


def play_other(scenario: Scenario, list_records: Lister) -> Verdict:
    """The script that one writes with such a library; one that waits for hours is not waited for."""
    verdicts: list[Verdict] = []
    player = Thread(target=lambda: verdicts.append(_play_other(scenario, list_records)), daemon=True)
    player.start()
    player.join(PATIENCE)
    return verdicts[0] if verdicts else Verdict(ENDLESS_LOOP, "still waiting")


def _play_other(scenario: Scenario, list_records: Lister) -> Verdict:
    """What it lists, it keeps; what is announced deleted goes; `from` is when it last succeeded."""
    held: dict[str, str] = {}
    since, fault = "", ""
    with playing(scenario) as world:
        prefix = str(scenario.source.get("prefix", run.PREFIX))
        if prefix == "auto":
            prefix = run.PREFIX if scenario.kind is Partner else "marcxml"
        for day, night in enumerate(scenario.nights):
            if day == 1 and not scenario.still:
                world.stir()
            world.start_night(night)
            begun = f"{world.clock.now:%Y-%m-%d}" if "by_day" in scenario.partner else f"{world.clock.now:%FT%TZ}"
            fault, taken = "", 0
            for set_spec in str(scenario.source.get("set_spec", "")).split() or [""]:
                try:
                    for identifier, deleted, title in list_records(
                        world.url, prefix, set_spec, "" if night.full else since
                    ):
                        taken += 1
                        if taken > ENDLESS:
                            return Verdict(ENDLESS_LOOP)
                        if deleted:
                            held.pop(identifier, None)
                        else:
                            held[identifier] = title
                except Exception as error:
                    fault = type(error).__name__
            if fault == "NoRecordsMatch":  # an empty list is how both say it
                fault = ""
            if not fault:
                since = begun
            world.clock.now += night.after
        truth = {world.identified(RECI, row): unimarc.title(row.fields) for row in world.rows()}
    if fault:
        return Verdict(TOLD, fault)
    wrong = [i for i in truth.keys() | held.keys() if truth.get(i) != held.get(i)]
    return Verdict(SILENT, f"{len(wrong)} of {len(truth)}") if wrong else Verdict(RIGHT)
