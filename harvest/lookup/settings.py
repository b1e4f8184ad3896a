"""What a centre has set of the outside sources, on its own page: on or off, their address, what is no more proposed.

Only what differs from `sources.toml` is kept (Setting « lookup.sources »), so that a source whose address moves in a
later version is followed by all who have not set another one. IdRef, which is asked for authorities, is set here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from catalogue import form, remembered
from catalogue.i18n import N_, _
from catalogue.unimarc import full_title
from harvest.lookup import authority
from harvest.lookup.asking import ask
from harvest.lookup.manners import Manners
from harvest.lookup.questions import understand
from harvest.lookup.table import HABITS, SETTING, place_of, sources
from harvest.lookup.trouble import Trouble

IDREF = "idref"
SOMEBODY = "Hugo, Victor"  # whom IdRef knows
LONGEST = 300
# What each kind of question is called on the page.
KINDS: Mapping[str, str] = {
    "isbn": N_("ISBN"),
    "issn": N_("ISSN"),
    "doi": N_("DOI"),
    "title": N_("titres"),
    "url": N_("adresses web"),
    "name": N_("personnes et organismes"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A source as the page shows it. `usual`: the address that Travée knows; `example`: what « Essayer » asks."""

    code: str
    label: str
    address: str
    usual: str
    local: bool
    on: bool
    kinds: tuple[str, ...]
    example: str

    @property
    def asked_for(self) -> str:
        return ", ".join(_(KINDS[kind]) for kind in self.kinds)

    @property
    def may_rest(self) -> bool:
        """IdRef is asked by a button of its own: there is nothing to switch off."""
        return self.code != IDREF


def rows(session: Session) -> list[Row]:
    kept = _kept(session)
    usual = {source.code: source.address for source in sources()}
    out = [
        Row(
            source.code,
            source.label if source.address else _("L’adresse que l’on colle"),
            source.address,
            usual[source.code],
            source.local,
            source.on,
            tuple(kind for kind in KINDS if kind in source.kinds),
            source.said("try"),
        )
        for source in sources(kept)
    ]
    row = kept.get(IDREF, {})
    address = str(row.get("address") or authority.ADDRESS)
    local = row.get("local") is True
    return [
        *out,
        Row(IDREF, authority.LABEL, address, authority.ADDRESS, local, True, ("name",), SOMEBODY),
    ]


def find(session: Session, code: str) -> Row | None:
    return next((row for row in rows(session) if row.code == code), None)


def wrong(row: Row) -> str:
    """What cannot be: a sentence, "" when all is well."""
    if not row.usual:
        return ""
    parts = urlsplit(row.address) if len(row.address) <= LONGEST and place_of(row.address)[0] else None
    if parts is None or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        return _("Écrivez une adresse complète, comme https://exemple.org/sru, sans identifiant ni question.")
    return ""


def write(session: Session, row: Row) -> bool:
    """Keep what differs from the table; False when nothing changed."""
    kept = _kept(session)
    said: dict[str, Any] = {}
    if row.usual and row.address != row.usual:
        said["address"] = row.address
    if row.local:
        said["local"] = True
    if not row.on:
        said["on"] = False
    fresh = {code: dict(one) for code, one in kept.items() if code != row.code} | ({row.code: said} if said else {})
    if fresh == kept:
        return False
    remembered.write(session, SETTING, fresh)
    return True


def _kept(session: Session) -> dict[str, dict[str, Any]]:
    kept = remembered.read(session, SETTING, {})
    return {code: one for code, one in kept.items() if isinstance(one, dict)} if isinstance(kept, dict) else {}


# --- « Essayer » -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a real question: a sentence, and whether the source is of use as it is set."""

    words: str
    works: bool


def attempt(row: Row, manners: Manners) -> Tried:
    """Ask the source as this row says, and tell what it answered. It may take the four seconds of any question."""
    if row.code == IDREF:
        return _attempt_idref(row, manners)
    source = next(one for one in sources() if one.code == row.code)
    set_so = replace(source, address=row.address, local=row.local, on=True)
    question = understand(row.example)
    answer = next(iter(ask(question, [set_so], **manners)))
    if answer.state == "found":
        said = {"source": answer.label, "title": full_title(answer.records[0])}
        return Tried(_("%(source)s répond : « %(title)s ».") % said, True)
    if answer.state == "nothing":
        return _unknown(row, row.example)
    return Tried(answer.reason, False)


def _attempt_idref(row: Row, manners: Manners) -> Tried:
    private = row.local or manners["allow_private"]
    try:
        found = authority.idref(row.example, address=row.address, allow_private=private, agent=manners["agent"])
    except Trouble as trouble:
        return Tried(trouble.sentence(row.label), False)
    if not found:
        return _unknown(row, row.example)
    return Tried(_("%(source)s répond : « %(title)s ».") % {"source": row.label, "title": found[0].name}, True)


def _unknown(row: Row, asked: str) -> Tried:
    words = _("%(source)s répond, mais ne trouve rien pour « %(question)s » : vérifiez son adresse.")
    return Tried(words % {"source": row.label, "question": asked}, False)


# --- habits ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Habit:
    """« Ne plus proposer le résumé de BnF »: a field of the form that is never filled from a source."""

    source: str
    label: str
    key: str
    field: str


def habits(session: Session) -> list[Habit]:
    labels = {source.code: source.label for source in sources()}
    fields = {form.KIND: _("Type de document"), **{key: one.label for key, one in form.FORM.items()}}
    return [
        Habit(code, labels.get(code, code), key, fields.get(key, key))
        for code, keys in _habits(session).items()
        for key in keys
    ]


def revoke(session: Session, source: str, key: str) -> bool:
    """Propose it again; False when that was no habit any more."""
    kept = _habits(session)
    if key not in kept.get(source, ()):
        return False
    left = {code: [one for one in keys if (code, one) != (source, key)] for code, keys in kept.items()}
    remembered.write(session, HABITS, {code: keys for code, keys in left.items() if keys})
    return True


def habits_in_words(session: Session) -> tuple[tuple[str, str], ...]:
    """By source, for who takes the post over: (« BnF », « ne propose plus : Résumé, Collection »)."""
    by_source: dict[str, list[str]] = {}
    for one in habits(session):
        by_source.setdefault(one.label, []).append(one.field)
    words = _("ne propose plus : %(fields)s")
    return tuple((label, words % {"fields": ", ".join(fields)}) for label, fields in by_source.items())


def _habits(session: Session) -> dict[str, Sequence[str]]:
    kept = remembered.read(session, HABITS, {})
    if not isinstance(kept, dict):
        return {}
    return {code: [str(key) for key in keys] for code, keys in kept.items() if isinstance(keys, list)}
