"""What of a notice may be given to others, value by value, and what stays because of whom it came from.

`catalogue.terms.may_leave` decides; here its answer is applied to whole notices, and told. A notice of which not
even the title may leave stays whole. Every way out for others passes here: the public exports of `export.records`,
and whatever serves notices to other machines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from catalogue import source_terms, unimarc
from catalogue.i18n import _, format_number, ngettext
from catalogue.merging.slots import GROUPS
from catalogue.models import Notice
from catalogue.source_terms import Speaker
from catalogue.terms import FRAME, NO, OURS, Terms, may_leave
from catalogue.unimarc import Field, Fields

Speakers = Mapping[int | str, Speaker]
# UNIMARC Bibliographic, 830 « General Cataloguer's Note »: what is said of the record itself. Not 371, not dc:rights:
# these are about the document, and would give it away under the licence of its description.
NOTE = "830"


@dataclass(frozen=True, slots=True)
class Licensed:
    """A source whose words a notice carries, under a licence."""

    source: str
    licence: str
    url: str

    @property
    def words(self) -> str:
        """« Données de RECI : CC BY 4.0, https://… »."""
        licence = ", ".join(part for part in (self.licence, self.url) if part)
        return _("Données de {source} : {licence}").format(source=self.source, licence=licence)


@dataclass(slots=True)
class Withheld:
    """What an export has left behind, by source (several names where several say the value and none allows it)."""

    notices: dict[str, list[str]] = field(default_factory=dict)  # addresses
    values: Counter[str] = field(default_factory=Counter)  # of notices that did leave
    terms: dict[str, Terms] = field(default_factory=dict)

    def add(self, address: str, kept: Iterable[Field], speakers: Speakers, *, whole: bool) -> None:
        for f in kept:
            told = {s.source: s.terms for o in f.get("o", ()) if (s := speakers.get(o))}
            name = ", ".join(sorted(told))
            self.terms.setdefault(name, next((t for t in told.values() if t.resend == NO), next(iter(told.values()))))
            if not whole:
                self.values[name] += 1
            elif address not in (addresses := self.notices.setdefault(name, [])):
                addresses.append(address)

    @property
    def addresses(self) -> set[str]:
        """Of notices left whole."""
        return {address for several in self.notices.values() for address in several}

    def lines(self) -> Iterator[str]:
        """« RECI : 12 notices et 340 valeurs laissées, cette source n’autorise pas la rediffusion. »"""
        for name in sorted(self.terms):
            notices, values = len(self.notices.get(name, ())), self.values[name]
            parts = [(notices, ngettext("{n} notice", "{n} notices", notices))]
            parts.append((values, ngettext("{n} valeur", "{n} valeurs", values)))
            told = _(" et ").join(words.format(n=format_number(n)) for n, words in parts if n)
            terms = self.terms[name]
            if terms.resend == NO or not terms.withheld:
                text = ngettext(
                    "{source} : {what} laissée, cette source n’autorise pas la rediffusion.",
                    "{source} : {what} laissées, cette source n’autorise pas la rediffusion.",
                    notices + values,
                )
            else:
                text = ngettext(
                    "{source} : {what} laissée, cette source n’autorise pas la rediffusion de : {fields}.",
                    "{source} : {what} laissées, cette source n’autorise pas la rediffusion de : {fields}.",
                    notices + values,
                )
            fields = ", ".join(GROUPS[group].label for group in terms.withheld)
            yield text.format(source=name, what=told, fields=fields)

    def document(self) -> list[dict[str, object]]:
        return [
            {
                "source": name,
                "resend": self.terms[name].resend,
                "fields": list(self.terms[name].withheld),
                "notices": self.notices.get(name, []),
                "values": self.values[name],
            }
            for name in sorted(self.terms)
        ]


def speakers_of(session: Session, notices: Iterable[Notice]) -> Speakers:
    """Who says the values of these notices, and what each allows; nothing where no source says anything of it."""
    if source_terms.all_allow(session):
        return {}
    said_by = {o for notice in notices for f in notice.fields for o in f.get("o", ()) if o != OURS}
    return source_terms.of_claims(session, said_by)


def parted(fields: Fields, speakers: Speakers) -> tuple[Fields, Fields]:
    """What may leave, and what stays. Nothing leaves where not even the title may."""
    allowed = {claim: speaker.terms for claim, speaker in speakers.items()}
    leaving: Fields = []
    staying: Fields = []
    for f in fields:
        (leaving if may_leave(f, allowed) else staying).append(f)
    if staying and unimarc.title(fields) and not unimarc.title(leaving):
        return [], staying
    return ([], staying) if staying and all(f["t"] in FRAME for f in leaving) else (leaving, staying)


def licences(fields: Iterable[Field], speakers: Speakers) -> tuple[Licensed, ...]:
    """The licences under which sources gave what only they say here, each source once."""
    told: dict[str, Licensed] = {}
    for f in fields:
        for o in () if OURS in f.get("o", ()) else f.get("o", ()):
            speaker = speakers.get(o)
            if speaker is not None and speaker.terms.licence:
                told.setdefault(speaker.source, Licensed(speaker.source, speaker.terms.licence, speaker.terms.url))
    return tuple(told[name] for name in sorted(told))


def with_notes(fields: Fields, licensed: Iterable[Licensed]) -> Fields:
    """The fields with a note on the record for each licence, in the order of tags."""
    notes = [Field(t=NOTE, i="  ", s=[["a", one.words]]) for one in licensed]
    place = next((n for n, f in enumerate(fields) if n and f["t"] > NOTE), len(fields))
    return [*fields[:place], *notes, *fields[place:]] if notes else fields


def without_notes(fields: Fields, licensed: Iterable[Licensed]) -> Fields:
    """For a format that has a better place for them."""
    said = {one.words for one in licensed}
    return [f for f in fields if not (f["t"] == NOTE and unimarc.first(f, "a") in said)] if said else fields
