"""Which notices, or copies, a correction is about: read from the address of its page.

A public search (`q`, `type`, `theme`…, and `etat` for what the public does not see), the notices of a list (`liste`),
of one's own or a shared selection (`selection`), or the copies of an inventory (`copies=oui`, with its own parameters).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import batch_edit, db, desk_reading, items, selections
from catalogue.desk_reading import Wanted
from catalogue.form import one_line
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.identifiers import is_code
from catalogue.models import Item, Notice, SelectionEntry
from catalogue.web import ctx, whose, wording
from catalogue.web.asked import Params, query_string, understand, usual_sort
from catalogue.web.public import to
from catalogue.web.typed import read_number
from indexes import queries

STATUSES = {
    "brouillon": ("draft", N_("brouillons")),
    "a-relire": ("candidate", N_("notices à relire")),
    "retiree": ("withdrawn", N_("notices retirées")),
}
MINE = "la-mienne"
LONGEST_LIST = 800  # addresses: what an address of a page may hold
_ADDRESS = re.compile(r"[0-9a-z]{8}")
_OURS = frozenset(("acte", "page", "field", "old", "new", "whole"))


@dataclass(frozen=True, slots=True)
class Chosen:
    """`about`: "notice" or "copy"; `words`: « Recherche : école »; `back`: the page where it was chosen."""

    about: str
    ids: tuple[int, ...]
    words: str
    back: str
    params: tuple[tuple[str, str], ...]

    @property
    def count_words(self) -> str:
        n = len(self.ids)
        if self.about == "copy":
            return ngettext("%(n)s exemplaire", "%(n)s exemplaires", n) % {"n": format_number(n)}
        return ngettext("%(n)s notice", "%(n)s notices", n) % {"n": format_number(n)}

    @property
    def is_cut(self) -> bool:
        return len(self.ids) > batch_edit.LARGEST


def params() -> Params:
    """What of this page's address says which notices."""
    return [(name, value) for name, value in request.args.items(multi=True) if name not in _OURS and value]


def find() -> Chosen | None:
    """None when nothing is chosen yet. OSError when the index does not answer."""
    given = dict(params())
    if not given:
        return None
    for name, reader in _READERS.items():
        if name in given:
            return reader(given)
    return _search(given)


def turned(session: Session, chosen: Chosen, about: str) -> Sequence[int]:
    """The copies of these notices, or the notices of these copies, where an act is about the others."""
    if chosen.about == about:
        return chosen.ids
    given, wanted = (Item.notice_id, Item.id) if about == "copy" else (Item.id, Item.notice_id)
    found: dict[int, None] = {}
    for part in db.chunks(chosen.ids):
        statement = select(wanted).where(given.in_(part), Item.status != "withdrawn").order_by(Item.call_key, Item.id)
        found |= dict.fromkeys(session.scalars(statement))
    return list(found)


def _search(given: dict[str, str]) -> Chosen:
    asked = understand(params(), ctx.settings().default_scope)
    status, named = STATUSES.get(given.get("etat", ""), ("published", ""))
    searcher = ctx.get_searcher()
    hits = queries.search(
        searcher.index,
        asked.query,
        filters=asked.filters,
        status=status,
        sort=asked.sort or usual_sort(asked.query),
        limit=batch_edit.LARGEST + 1,
        facets=False,
        thesaurus=partial(searcher.thesaurus.widenings, searcher.session),
        widened=asked.widen,
    )
    words = " · ".join(part for part in (wording.title(asked), *_filters(asked), _(named)) if part)
    back = to("results") + query_string(asked.params()) if not named else ""
    return Chosen("notice", tuple(hit.notice_id for hit in hits.hits), words, back, tuple(params()))


def _filters(asked: wording.Asked) -> list[str]:
    """What `wording.title` leaves out where there are words."""
    if not asked.query:
        return []
    return [*(wording.value_label(key, value) for key, value in asked.chosen), wording.year_words(asked)]


def _list(given: dict[str, str]) -> Chosen:
    """Addresses, whatever stands around them: codes, links, lines of a spreadsheet."""
    found = [word for word in dict.fromkeys(_ADDRESS.findall(given["liste"].lower())) if is_code(word)]
    session = ctx.get_session()
    rows = {
        address: number
        for part in db.chunks(found[:LONGEST_LIST])
        for address, number in session.execute(select(Notice.address, Notice.id).where(Notice.address.in_(part)))
    }
    ids = tuple(rows[address] for address in found if address in rows)
    kept = [("liste", " ".join(address for address in found if address in rows))]
    return Chosen("notice", ids, _("une liste d’adresses"), "", tuple(kept))


def _selection(given: dict[str, str]) -> Chosen:
    session, code = ctx.get_session(), given["selection"]
    found = selections.find(session, whose.owner()) if code == MINE else selections.shared(session, code)
    entries = select(SelectionEntry.notice_id).order_by(SelectionEntry.pos, SelectionEntry.id)
    ids = session.scalars(entries.where(SelectionEntry.selection_id == found.id)) if found else ()
    words = _("ma sélection") if code == MINE else _("la sélection %(code)s") % {"code": code}
    return Chosen("notice", tuple(ids), words, to("selection") if code == MINE else "", (("selection", code),))


def _copies(given: dict[str, str]) -> Chosen:
    place, first, last = (given.get(name, "") for name in ("emplacement", "de", "a"))
    number = read_number(place)
    wanted = Wanted(number, one_line(first)[:80], one_line(last)[:80])
    session = ctx.get_session()
    ids = tuple(items.inventory_ids(session, **wanted.choice(), limit=batch_edit.LARGEST + 1))
    words = f"{_('Inventaire')} : {desk_reading.inventory_title(session, wanted)}"
    asked = [pair for pair in params() if pair[0] in ("emplacement", "de", "a")]
    back = url_for("desk.inventory") + query_string(asked)
    return Chosen("copy", ids, words, back, (("copies", "oui"), *asked))


_READERS: dict[str, Callable[[dict[str, str]], Chosen]] = {
    "liste": _list,
    "selection": _selection,
    "copies": _copies,
}
