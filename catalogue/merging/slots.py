"""Which question a field belongs to, and what it says: the table of slots.toml, read. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from catalogue import unimarc
from catalogue.i18n import current_language
from catalogue.identifiers import find_doi, find_isbn, find_issn
from catalogue.pmb import is_dump_only
from catalogue.text import fold, plain_text
from catalogue.unimarc import Field, first, typed
from catalogue.volatile import VOLATILE_CODES, volatile

# What a field says, made comparable: tag, indicators, and the subfields that mean something.
Said = tuple[str, str, tuple[tuple[str, str], ...]]
_SIGNS = re.compile(r"[^0-9a-z]+")
_ANY_TAG = VOLATILE_CODES["*"]


@dataclass(frozen=True, slots=True)
class Slot:
    tags: tuple[str, ...]
    group: str
    by: str
    strict: bool = False
    alike: bool = False
    first: str = "ask"
    local: bool = False
    silent: bool = False
    absence: str = ""

    @property
    def free(self) -> bool:
        """A list of statements, where keeping ours and theirs is natural."""
        return self.by == "whole"


@dataclass(frozen=True, slots=True)
class Group:
    code: str
    fr: str
    en: str

    @property
    def label(self) -> str:
        return self.en if current_language() == "en" else self.fr


def _load() -> tuple[tuple[Slot, ...], dict[str, Group]]:
    table = tomllib.loads((Path(__file__).parent / "slots.toml").read_text("utf-8"))
    slots = tuple(Slot(**{**row, "tags": tuple(row["tags"])}) for row in table["slot"])
    return slots, {code: Group(code, **words) for code, words in table["groups"].items()}


SLOTS, GROUPS = _load()
_BY_TAG: Mapping[str, Slot] = {tag: slot for slot in SLOTS for tag in slot.tags}
_OTHER = Slot(("",), "other", "whole")


@lru_cache(maxsize=2_000)
def slot_of(tag: str) -> Slot:
    return _BY_TAG.get(tag) or _BY_TAG.get(f"{tag[:1]}..") or _OTHER


def group_of(tag: str) -> Group:
    """What the screen calls the part of a notice that this tag belongs to."""
    return GROUPS[slot_of(tag).group]


def name_of(f: Field) -> tuple[str, str]:
    """The slot of one occurrence: (its list, what it is among that list)."""
    tag = f["t"]
    slot = slot_of(tag)
    return (slot.tags[0] if tag in slot.tags else tag), _identity(f, slot.by)


def said(f: Field) -> Said:
    """What an occurrence says, without what changes every day: two fields that say the same have the same."""
    tag = f["t"]
    if "s" not in f:
        return tag, "", (("", _mask(tag, f.get("v", ""))),)
    watched = VOLATILE_CODES.get(tag, _ANY_TAG)
    pairs = tuple((c, v) for c, v in f["s"] if c not in watched or not volatile(tag, c, v))
    if tag == "100":
        pairs = tuple((c, v[8:22] if c == "a" else v) for c, v in pairs)
    return tag, f.get("i", ""), pairs


def remembering() -> Callable[[Field], Said]:
    """`said`, worked out once for each field: a merge asks it of every field for every question."""
    known: dict[int, tuple[Field, Said]] = {}  # the field too: its id is its own only while it is there

    def says(f: Field) -> Said:
        if (found := known.get(id(f))) is None:
            found = known[id(f)] = f, said(f)
        return found[1]

    return says


def heard(fields: Iterable[Field]) -> list[tuple[Said, Field]]:
    """The occurrences that can make a difference, each with what it says."""
    found = ((said(f), f) for f in fields if not slot_of(f["t"]).silent and not is_dump_only(f))
    return [(says, f) for says, f in found if says[2]]


def loosely(f: Field) -> list[tuple[str, str]]:
    """Its subfields without capitals, accents and signs: how two bases that never met are compared."""
    plain = _number_in if slot_of(f["t"]).by == "number" else _words
    return [(c, words) for c, v in said(f)[2] if (words := plain(v))]


def number_of(f: Field) -> str:
    """What its own base calls the person, subject or record that a field names; the language of its label too."""
    number = unimarc.authority_number(f) or f.get("x", "") or first(f, "0")
    return f"{number} {typed(f, 'lang')}" if number else ""


def _mask(tag: str, value: str) -> str:
    """A leader says what it describes at 5-8 and 17-18; the rest is about the file it stood in."""
    return value[5:9] + value[17:19] if tag == "000" else value


def _identity(f: Field, by: str) -> str:
    if by == "tag":
        return ""
    if by == "lang":
        return typed(f, "lang")
    if by == "form" and first(f, "2") == "travee":
        return "travee"
    if by == "number":
        return _number_in(first(f, "a") or first(f, "b") or first(f, "z")) or _whole(f)
    if by == "name":
        return fold(unimarc.name_of(f)) or _whole(f)
    if by == "form":
        by = "a"
    if by != "whole":
        words = [_words(v) for c, v in f.get("s", ()) if c in by]
        if any(words):
            return " | ".join(words)
    return _whole(f)


def _words(value: str) -> str:
    return fold(plain_text(value)) or value.strip()


def _number_in(value: str) -> str:
    return find_isbn(value) or find_issn(value) or find_doi(value) or _SIGNS.sub("", value.lower()) or value.strip()


def _whole(f: Field) -> str:
    return " | ".join(f"{c} {words}" for c, words in loosely(f))
