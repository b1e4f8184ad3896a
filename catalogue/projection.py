"""What is computed from a notice's fields at every write (decision 1). Pure: one function, one place.

Nothing else may fill these columns and rows; `travee check` proves that they agree with the fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from catalogue import headings, unimarc
from catalogue.headings import Mark
from catalogue.identifiers import is_code
from catalogue.text import sort_key
from catalogue.unimarc import Fields, OnlineFile, Responsibility, Subject

# Which number space of a PMB the id in a link belongs to (PMB.md section 1.1: issues are not records).
LINK_SPACE = {
    "host_issue": "bull",
    "issue": "bull",
    "host_serial": "record",
    "part": "record",
    "related": "record",
}


@dataclass(frozen=True, slots=True)
class LinkTo:
    relation: str
    promise: str  # "RECI:bull:905", or "address:k7m4x9q0" for a link made here


@dataclass(frozen=True, slots=True)
class Projection:
    title: str
    sort_key: str
    year: int | None
    year_end: int | None
    language: str
    level: str
    kind: str
    fingerprint: str
    identifiers: tuple[tuple[str, str], ...]
    agents: tuple[Responsibility, ...]
    subjects: tuple[Subject, ...]
    links: tuple[LinkTo, ...]
    agent_marks: tuple[Mark, ...] = ()  # one for each of `agents`
    subject_marks: tuple[Mark, ...] = ()
    online: tuple[OnlineFile, ...] = ()


def project(fields: Fields, scope: Callable[[int | str], str] = lambda claim: "") -> Projection:
    """`scope(claim)` names the source whose number space a claim's links use; `scope("")` the notice's main one."""
    first_year, last_year = unimarc.years(fields)
    title = unimarc.full_title(fields)
    agents, subjects = unimarc.responsibilities(fields), unimarc.subjects(fields)
    filing = next((v for f in unimarc.each(fields, "200") for v in unimarc.subfields(f, "a")), title)
    return Projection(
        title=title,
        sort_key=sort_key(f"{filing} {_rest(title, filing)}"),
        year=first_year,
        year_end=last_year,
        language=unimarc.language(fields),
        level=unimarc.level(fields),
        kind=unimarc.kind(fields),
        fingerprint=unimarc.fingerprint(fields),
        identifiers=tuple(unimarc.identifiers(unimarc.shown(fields))),
        agents=tuple(agents),
        subjects=tuple(subjects),
        links=tuple(_links(fields, scope)),
        agent_marks=tuple(headings.mark_of(a.said, scope) for a in agents),
        subject_marks=tuple(headings.mark_of(s.said, scope) for s in subjects),
        online=unimarc.online_files(fields),
    )


def _rest(title: str, filing: str) -> str:
    """The title behind its first part: « L’école » and « L’école : enjeux » must not tie."""
    head = unimarc.clean(filing)
    return title[len(head) :] if title.startswith(head) else ""


def _links(fields: Fields, scope: Callable[[int | str], str]) -> list[LinkTo]:
    out: dict[tuple[str, str], LinkTo] = {}
    for f in unimarc.linking(fields):
        for link in unimarc.links([f]):
            space = LINK_SPACE.get(link.relation)
            if not link.target or not space:
                continue
            if is_code(link.target):
                promise = f"address:{link.target}"
            else:  # a number of the source that said it, or, in a field edited here, of the notice's source
                source = next((s for claim in f.get("o", ()) if (s := scope(claim))), "") or scope("")
                promise = f"{source}:{space}:{link.target}"
            out[link.relation, promise] = LinkTo(link.relation, promise)
    return list(out.values())
