"""People, bodies, concepts and classes as values: on their way in, or out. Pure.

A reader yields them beside its Records; `catalogue.authorities` keeps them. `number` is what their source
calls them, in a number space of its own: PMB's author 12 and PMB's category 12 are two things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalogue.problems import Problem

# Spaces of `ExternalId`: an author's $3 or PMB's `$9 id:` of a 7XX; of a 606; of a 676.
AUTHOR, CATEGORY, INDEX = "author", "category", "indexint"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A person, a body or a meeting, as an authority file or a base's dump gives it."""

    type: str  # person | family | corporate_body | meeting
    name: str  # as in unimarc.name_of: « Dupont, Anne », « Corps. Subdivision »
    number: str = ""
    variants: tuple[str, ...] = ()
    dates: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)  # idref, bnf, isni, viaf, orcid, web
    see: str = ""  # the number of the form to be used instead of this one
    position: int = 0  # 1-based in the file
    repairs: tuple[Problem, ...] = ()
    raw: bytes = field(default=b"", compare=False, repr=False)
    # The name as the fields of a notice write it ([["a", "Dupont"], ["b", "Anne"], ["f", "1950-…"]]), when the
    # source gives it so; else it is made of name and dates (`unimarc.heading_of`).
    heading: tuple[tuple[str, str], ...] = ()
    note: str = ""
    fields: Sequence[Mapping[str, Any]] = field(default=(), repr=False)  # the whole authority record, as received


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A number of a classification plan, and the words that explain it."""

    plan: str
    number: str
    label: str = ""
    source_number: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """A concept as a thesaurus file gives it; `broader`, `narrower` and `related` are URIs of the same scheme.

    A source that has no URIs gives "#" and its own number for it: « #4711 ».
    """

    uri: str
    preferred: Mapping[str, str]  # language -> label
    alternate: tuple[tuple[str, str], ...] = ()  # (language, label)
    broader: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    mappings: tuple[tuple[str, str], ...] = ()  # (exactMatch…, URI)
    scope_note: str = ""
    hidden: tuple[tuple[str, str], ...] = ()  # words to find it by and never to show: slips, old spellings
    narrower: tuple[str, ...] = ()  # a hierarchy told only from above; kept as `broader` of those below
    fields: Sequence[Mapping[str, Any]] = field(default=(), repr=False)  # the whole authority record, as received

    @property
    def label(self) -> str:
        return self.preferred.get("fr") or next(iter(self.preferred.values()), self.uri)


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """A scheme, whole or in parts: an authority file gives its concepts one by one.

    `numbers`: what the source calls each concept (its $3, PMB's node) -> the concept's URI.
    """

    code: str
    uri: str
    title: Mapping[str, str]
    rows: tuple[ConceptRow, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
    repairs: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """What a reader has to say of the file itself: which tables of a base were left, what was mended."""

    problems: tuple[Problem, ...]
    position: int = 0
