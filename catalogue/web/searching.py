"""Questions answered, by `answer` alone: the page of results, the full list of a filter, feeds, files taken away.

A view understands the address (`asked`), calls one function here and shows what it returns. Addresses come
from the caller (`Paths`), so that nothing here knows of requests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.orm import Session

from catalogue import authorities, reading
from catalogue.i18n import _, format_number
from catalogue.reading import Card, TitleLine
from catalogue.text import fold
from catalogue.unimarc import KINDS
from catalogue.web import passages, wording
from catalogue.web.asked import FILTERS, PER_PAGE, WORDS, Asked, Params, said, usual_sort
from catalogue.web.passages import Passage
from catalogue.web.thesaurus import Thesaurus
from catalogue.web.wording import value_label, year_words
from indexes import naming, queries
from indexes.sync import Index
from indexes.texts import folder_beside

log = logging.getLogger("travee")

SHOWN_VALUES = 8  # of a filter with many values; the rest is a page of its own
NOT_ISSUES = tuple(code for code in KINDS if code != "issue")
HOME_THEMES = 8
HOME_TITLES = 5
CHOICES_PER_PAGE = 100  # of the full list of a filter; a longer one is shown letter by letter
Address = Callable[[Asked], str]  # of the page of results that answers a question


@dataclass(frozen=True, slots=True)
class Searcher:
    """What answers questions: the index, the words that the thesaurus knows, the documents themselves."""

    session: Session
    index: Index
    thesaurus: Thesaurus

    def answer(
        self,
        asked: Asked,
        *,
        limit: int = 0,
        offset: int = 0,
        sort: str = "",
        facets: bool = False,
        facet_limit: int | None = queries.FACET_VALUES,
    ) -> queries.Hits:
        """The answer to a question, the same for whoever asks: every number that a page shows is counted here.

        OSError when the index does not answer.
        """
        return queries.search(
            self.index,
            asked.query,
            filters=asked.filters,
            sort=sort or asked.sort or usual_sort(asked.query),
            offset=offset,
            limit=limit,
            facets=facets,
            facet_limit=facet_limit,
            thesaurus=partial(self.thesaurus.widenings, self.session),
            widened=asked.widen,
        )

    def total(self, asked: Asked) -> int:
        return self.answer(asked).total


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    address: str
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    count: int
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One filter and its values. `single`: one of them, not several."""

    name: str
    legend: str
    choices: tuple[Choice, ...]
    single: bool = False
    more: str = ""
    more_words: str = ""


@dataclass(frozen=True, slots=True)
class Pages:
    number: int
    count: int
    previous: str = ""
    next: str = ""

    @classmethod
    def of(cls, number: int, count: int, address: Callable[[int], str]) -> Pages:
        """Behind the last page there is the way back to it."""
        previous = address(min(number - 1, count)) if number > 1 and count else ""
        return cls(number, count, previous, address(number + 1) if number < count else "")


@dataclass(frozen=True, slots=True)
class Partly:
    """What is said of documents that have some of the words, and where there are some with all of them."""

    words: str
    elsewhere: Link | None = None


@dataclass(frozen=True, slots=True)
class ResultsPage:
    title: str
    heading: str
    asked: Asked
    cards: tuple[Card, ...]
    terms: tuple[str, ...]
    total: int
    pages: Pages
    groups: tuple[Group, ...]
    chips: tuple[Link, ...]
    clear: str
    sorts: tuple[Link, ...]
    notes: tuple[str, ...]
    suggestion: Link | None
    relaxations: tuple[Link, ...]
    partly: Partly | None = None
    search_down: bool = False
    reasons: tuple[str, ...] = ()  # of each card: why it is there
    passages: Mapping[int, Passage] = field(default_factory=dict)  # by notice: the page of its text that answers
    wider: Link | None = None  # what the question was widened to, and the way back
    feed: str = ""  # its address: what arrives later, for a reader of feeds

    @property
    def query(self) -> str:
        return self.asked.query

    @property
    def sort_value(self) -> str:
        return said("tri", self.asked.sort) if self.asked.sort else ""

    @property
    def kept(self) -> Params:
        """What a new search keeps of this one: where to look, not the filters."""
        return [(name, value) for name, value in self.asked.params() if name == "fonds"]

    @property
    def first(self) -> int:
        return self.asked.offset + 1

    @property
    def has_filters(self) -> bool:
        """There is something to filter, to take off or to mend."""
        return bool(self.groups or self.asked.is_narrowed or self.asked.errors)

    @property
    def wrong(self) -> dict[str, str]:
        """What is wrong in the form of filters: the field, the sentence."""
        return dict(self.asked.errors)

    @property
    def year_error(self) -> str:
        return next(iter(self.wrong.values()), "")


@dataclass(frozen=True, slots=True)
class HomePage:
    total: int = 0
    online: int = 0
    themes: tuple[tuple[str, int], ...] = ()
    recent: tuple[TitleLine, ...] = ()
    search_down: bool = False


@dataclass(frozen=True, slots=True)
class ChoicesPage:
    """Every value of one filter, A to Z."""

    name: str
    title: str
    context: str
    choices: tuple[Choice, ...]
    letters: tuple[Link, ...]
    letter: str
    pages: Pages
    containing: str
    kept: Params  # what applying keeps: the question, and what is ticked but not shown
    asked_params: Params  # the question with what is ticked, for the box that narrows this list
    back: str


def home(searcher: Searcher, asked: Asked) -> HomePage:
    """`asked`: no question, in the collection where visitors begin."""
    session = searcher.session
    try:
        hits = searcher.answer(asked, facets=True)
        _total, recent = last_arrived(searcher, asked, HOME_TITLES, documents_only=True)
    except OSError:
        log.exception("the index does not answer")
        themes = authorities.top_themes(session, HOME_THEMES)
        return HomePage(themes=tuple(themes), search_down=True)
    return HomePage(
        total=hits.total,
        online=dict(hits.facets["access"]).get("online", 0),
        themes=tuple(hits.facets["theme"][:HOME_THEMES]),
        recent=tuple(reading.title_lines(session, recent)),
    )


def results(searcher: Searcher, asked: Asked, address: Address, more: Callable[[str, Asked], str]) -> ResultsPage:
    """`address(asked)` is the page of results of a question, `more(name, asked)` the full list of a filter."""
    session, index = searcher.session, searcher.index
    try:
        hits = searcher.answer(asked, limit=PER_PAGE, offset=asked.offset, facets=True)
    except OSError:
        log.exception("the index does not answer")
        return _without_index(session, asked, address)
    cards = reading.result_cards(session, [hit.notice_id for hit in hits.hits])
    quoted = passages.find(session, index, folder_beside(index.directory), asked.query, hits.terms, cards)
    named = naming.named(index, [card.notice_id for card in cards], asked.query)
    reasons = (
        wording.why(card, hits.terms, hits.themes, quoted.get(card.notice_id), named.get(card.notice_id, ""))
        for card in cards
    )
    return ResultsPage(
        title=wording.title(asked),
        heading=wording.heading(asked, hits.total),
        asked=asked,
        cards=tuple(cards),
        reasons=tuple(reasons),
        passages=quoted,
        terms=hits.terms,
        total=hits.total,
        pages=_pages(asked, hits.total, address),
        groups=tuple(_groups(asked, hits, more)),
        chips=tuple(_chips(asked, address)),
        clear=address(asked.without_filters()),
        sorts=tuple(_sorts(asked, address)),
        notes=tuple(wording.notes(asked, hits)),
        partly=_partly(searcher, asked, hits, address),
        wider=Link(wording.wider(hits.widened), address(asked.but(widen=False))) if hits.widened else None,
        suggestion=_suggestion(searcher, asked, hits, address),
        relaxations=() if hits.total else tuple(_relaxations(searcher, asked, address)),
    )


def last_arrived(
    searcher: Searcher, asked: Asked, limit: int, *, documents_only: bool = False
) -> tuple[int, list[int]]:
    """How many documents answer, and those that came last. OSError when the index does not answer.

    `documents_only`: what one reads; an issue is found from its articles.
    """
    if documents_only:
        asked = asked.but(chosen=(*asked.chosen, *(("kind", kind) for kind in NOT_ISSUES)))
    found = searcher.answer(asked, sort="added", limit=limit)
    return found.total, [hit.notice_id for hit in found.hits]


def choices(
    searcher: Searcher,
    asked: Asked,
    name: str,
    letter: str,
    containing: str,
    address: Address,
    here: Callable[[str, int], str],
) -> ChoicesPage:
    """`here(letter, page)` is this list at another letter, another page."""
    key = FILTERS[name]
    hits = searcher.answer(asked, facets=True, facet_limit=None)
    chosen = set(asked.values(key))
    every = [Choice(said(name, value), value_label(key, value), n, value in chosen) for value, n in hits.facets[key]]
    every.sort(key=lambda choice: fold(choice.label))
    shown = [choice for choice in every if fold(containing) in fold(choice.label)]
    letters = sorted({_initial(choice.label) for choice in shown}) if len(shown) > CHOICES_PER_PAGE else []
    if letters:
        letter = letter if letter in letters else letters[0]
        shown = [choice for choice in shown if _initial(choice.label) == letter]
    count = -(-len(shown) // CHOICES_PER_PAGE)
    page = min(asked.page, max(count, 1))
    shown = shown[(page - 1) * CHOICES_PER_PAGE :][:CHOICES_PER_PAGE]
    values = {choice.value for choice in shown}
    base = asked.but(chosen=tuple(pair for pair in asked.chosen if pair[0] != key))
    hidden = [(name, said(name, value)) for value in asked.values(key) if said(name, value) not in values]
    return ChoicesPage(
        name=name,
        title={"theme": _("Tous les thèmes"), "langue": _("Toutes les langues"), "type": _("Tous les types")}[name],
        context=wording.spaced(_("Parmi les documents trouvés pour « %(query)s »")) % {"query": asked.query}
        if asked.query
        else "",
        choices=tuple(shown),
        letters=tuple(Link(one, here(one, 1), one == letter) for one in letters),
        letter=letter if letters else "",
        pages=Pages.of(page, count, partial(here, letter)),
        containing=containing,
        kept=base.params() + hidden,
        asked_params=asked.but().params(),
        back=address(asked.but()),
    )


# --- the parts -------------------------------------------------------------------------------


def _pages(asked: Asked, total: int, address: Address) -> Pages:
    return Pages.of(asked.page, -(-total // PER_PAGE), lambda number: address(asked.but(page=number)))


def _groups(asked: Asked, hits: queries.Hits, more: Callable[[str, Asked], str]) -> list[Group]:
    """The filters that can be of use here: one that would not part the documents is left out."""
    groups = []
    scopes = dict(hits.facets["scope"])
    if scopes["local"] != scopes["network"] or asked.scope != asked.default_scope:
        labels = (("nous", "local", _("Notre fonds")), ("reseau", "network", _("Tout le réseau")))
        choices = tuple(Choice(word, label, scopes[value], asked.scope == value) for word, value, label in labels)
        groups.append(Group("fonds", _("Où chercher"), choices, single=True))
    legends = {"acces": _("Accès"), "type": _("Type"), "theme": _("Thème"), "langue": _("Langue")}
    for name, key in FILTERS.items():
        found = dict(hits.facets[key])
        chosen = asked.values(key)
        if len(found) + len(chosen) == 0 or (name == "langue" and len(found) < 2 and not chosen):
            continue
        values = list(dict.fromkeys((*_first_values(name, found), *chosen)))
        size = hits.facet_sizes[key]
        has_more = name != "acces" and size > SHOWN_VALUES
        groups.append(
            Group(
                name,
                legends[name],
                tuple(Choice(said(name, v), value_label(key, v), found.get(v, 0), v in chosen) for v in values),
                more=more(name, asked) if has_more else "",
                more_words=_more_words(name, size) if has_more else "",
            )
        )
    return groups


def _first_values(name: str, found: dict[str, int]) -> list[str]:
    """The most frequent; the ways to read keep one order, so that they stand where one looks for them."""
    if name == "acces":
        return [value for value in WORDS["acces"].values() if value in found]
    return list(found)[:SHOWN_VALUES]


def _more_words(name: str, size: int) -> str:
    sentence = {
        "theme": _("Voir les %(n)s thèmes"),
        "langue": _("Voir les %(n)s langues"),
        "type": _("Voir les %(n)s types"),
    }[name]
    return sentence % {"n": format_number(size)}


def _chips(asked: Asked, address: Address) -> list[Link]:
    chips = [Link(value_label(key, value), address(asked.without(key, value))) for key, value in asked.chosen]
    if words := year_words(asked):
        chips.append(Link(words, address(asked.without_years())))
    return chips


def _sorts(asked: Asked, address: Address) -> list[Link]:
    labels = {
        "relevance": _("Pertinence"),
        "added": _("Derniers arrivés"),
        "newest": _("Année"),
        "title": _("Titre"),
    }
    usual = usual_sort(asked.query)
    current = asked.sort or usual
    return [
        Link(label, address(asked.but(sort="" if sort == usual else sort)), sort == current)
        for sort, label in labels.items()
        if asked.query or sort != "relevance"
    ]


def _partly(searcher: Searcher, asked: Asked, hits: queries.Hits, address: Address) -> Partly | None:
    """These documents have some of the words only; others than ours may have them all."""
    if not (hits.relaxed and hits.total):
        return None
    wider = asked.but(scope="network")
    there = searcher.answer(wider) if asked.scope == "local" else queries.Hits()
    whole = there.total if not (there.relaxed or there.corrected) else 0
    link = Link(_("Avec tous ces mots, dans tout le réseau"), address(wider), count=whole) if whole else None
    return Partly(wording.relaxed(others_have=bool(whole)), link)


def _suggestion(searcher: Searcher, asked: Asked, hits: queries.Hits, address: Address) -> Link | None:
    """The question with words corrected: what was answered, or what could be."""
    if not hits.suggestion or fold(hits.suggestion) == fold(asked.query):
        return None
    proposed = asked.but(query=hits.suggestion)
    count = hits.total if hits.corrected else searcher.total(proposed)
    return Link(hits.suggestion, address(proposed), current=hits.corrected, count=count) if count else None


def _relaxations(searcher: Searcher, asked: Asked, address: Address) -> list[Link]:
    """Questions a little wider, one step each, that do find something."""
    wider: list[tuple[str, Asked]] = [
        (wording.without(value_label(key, value)), asked.without(key, value)) for key, value in asked.chosen[:5]
    ]
    if words := year_words(asked):
        wider.append((wording.without(words), asked.without_years()))
    if len(wider) > 1:
        wider.append((_("Sans aucun filtre"), asked.without_filters()))
    if asked.scope == "local":
        wider.append((_("Dans tout le réseau"), asked.but(scope="network")))
    if asked.scope == "local" and wider[1:]:
        wider.append((_("Sans filtre, dans tout le réseau"), asked.without_filters().but(scope="network")))
    counted = ((label, question, searcher.total(question)) for label, question in wider)
    return [Link(label, address(question), count=total) for label, question, total in counted if total]


def _without_index(session: Session, asked: Asked, address: Address) -> ResultsPage:
    """Themes stay browsable when the index does not answer; anything else is told to wait."""
    themes = asked.values("theme")
    total, ids = 0, list[int]()
    if themes and not asked.query:
        total, ids = reading.ids_with_theme(session, themes, limit=PER_PAGE, offset=asked.offset)
    return ResultsPage(
        title=wording.title(asked),
        heading=wording.heading(asked, total) if total else _("La recherche ne répond pas"),
        asked=asked,
        cards=tuple(reading.result_cards(session, ids)),
        terms=(),
        total=total,
        pages=_pages(asked, total, address),
        groups=(),
        chips=tuple(_chips(asked, address)),
        clear=address(asked.without_filters()),
        sorts=(),
        notes=(_("La recherche ne répond pas pour le moment : seuls les thèmes peuvent être parcourus."),)
        if total
        else (),
        suggestion=None,
        relaxations=(),
        search_down=True,
    )


def _initial(label: str) -> str:
    first = fold(label)[:1].upper()
    return first if first.isalpha() else "0-9"
