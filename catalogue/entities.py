"""People, bodies, concepts and classes as values: on their way in, or out. Pure.

A reader yields them beside its Records; `catalogue.authorities` keeps them. `number` is what their source
calls them, in a number space of its own: PMB's author 12 and PMB's category 12 are two things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.problems import Problem

# Spaces of `ExternalId`: an author's $3 or PMB's `$9 id:` of a 7XX; of a 606; of a 676.
AUTHOR, CATEGORY, INDEX = "author", "category", "indexint"


@dataclass(frozen=True, slots=True)
class AgentRow:
    """A person, a body or a meeting, as an authority file or a base's dump gives it."""

    type: str  # person | corporate_body | meeting
    name: str  # as in unimarc.name_of: « Dupont, Anne », « Corps. Subdivision »
    number: str = ""
    variants: tuple[str, ...] = ()
    dates: str = ""
    identifiers: Mapping[str, str] = field(default_factory=dict)  # idref, bnf, isni, viaf, orcid, web
    see: str = ""  # the number of the form to be used instead of this one
    position: int = 0  # 1-based in the file
    repairs: tuple[Problem, ...] = ()
    raw: bytes = field(default=b"", compare=False, repr=False)


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
    """A concept as a thesaurus file gives it; `broader` and `related` are URIs of the same file."""

    uri: str
    preferred: Mapping[str, str]  # language -> label
    alternate: tuple[tuple[str, str], ...] = ()  # (language, label)
    broader: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    mappings: tuple[tuple[str, str], ...] = ()  # (exactMatch…, URI)
    scope_note: str = ""

    @property
    def label(self) -> str:
        return self.preferred.get("fr") or next(iter(self.preferred.values()), self.uri)


@dataclass(frozen=True, slots=True)
class Thesaurus:
    """A whole scheme. `numbers`: what the source calls each concept (its $3, PMB's node) -> the concept's URI."""

    code: str
    uri: str
    title: Mapping[str, str]
    rows: tuple[ConceptRow, ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    position: int = 0
