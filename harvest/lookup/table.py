"""The sources to ask: `sources.toml`, and what the centre has set on its own page."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harvest.lookup.questions import Question

SETTING, HABITS = "lookup.sources", "lookup.habits"


@dataclass(frozen=True, slots=True)
class LookupSource:
    """A source as it is asked. `rank`: its place among the others; `how`: what its block says beside."""

    code: str
    label: str
    address: str
    reader: str
    kinds: frozenset[str]
    rank: int = 0
    only: tuple[str, ...] = ()
    local: bool = False  # may be in our own network: somebody has said so in the settings
    on: bool = True
    how: tuple[tuple[str, str], ...] = ()

    def answers(self, question: Question) -> bool:
        """Whether this can be asked of it."""
        if not (self.on and question.possible and question.kind in self.kinds):
            return False
        if question.kind == "url" and self.reader in ("crossref", "datacite"):
            return bool(question.doi)
        if question.kind == "url" and self.reader == "hal":
            host = f".{urlsplit(question.value).hostname}"
            return bool(question.doi) or host.endswith((".hal.science", ".archives-ouvertes.fr"))
        if not self.only:
            return True
        if question.kind == "doi":
            return question.value.startswith(self.only)
        return urlsplit(question.value).hostname in self.only

    def said(self, name: str) -> str:
        return dict(self.how).get(name, "")

    @property
    def place(self) -> tuple[str, int | None]:
        """The host and the port of its service."""
        return place_of(self.address)


def place_of(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None


def sources(settings: Mapping[str, Any] | None = None) -> tuple[LookupSource, ...]:
    """Every source, in the order in which it is believed; what a person has set replaces what the table says.

    What makes no sense (a base that somebody edited) is as if it were not set.
    """
    kept = settings if isinstance(settings, Mapping) else {}
    return tuple(_set(source, kept.get(source.code)) for source in _table())


def _set(source: LookupSource, row: Any) -> LookupSource:
    if not isinstance(row, Mapping):
        return source
    address = row.get("address")
    if not (isinstance(address, str) and place_of(address)[0]):
        address = source.address
    return replace(source, address=address, on=row.get("on") is not False, local=row.get("local") is True)


@cache
def _table() -> tuple[LookupSource, ...]:
    blocks = tomllib.loads((Path(__file__).parent / "sources.toml").read_text("utf-8"))
    return tuple(_source(rank, code, block) for rank, (code, block) in enumerate(blocks.items()))


def _source(rank: int, code: str, block: Mapping[str, Any]) -> LookupSource:
    return LookupSource(
        code=code,
        label=block["label"],
        address=block["address"],
        reader=block["reader"],
        kinds=frozenset(block["kinds"]),
        rank=rank,
        only=tuple(block.get("only", ())),
        how=tuple((name, value) for name, value in block.items() if isinstance(value, str)),
    )
