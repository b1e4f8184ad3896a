"""The page of results, the home page and the full list of a filter: what the index found, put in words.

A view understands the address (`asked`), calls one function here and shows what it returns. Addresses come
from the caller (`Paths`), so that nothing here knows of requests.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from catalogue import authorities, reading
from catalogue.i18n import _, current_language, format_number, language_name, ngettext
from catalogue.reading import Card, TitleLine
from catalogue.text import fold
from catalogue.unimarc import KINDS
from catalogue.web import passages
from catalogue.web.asked import FILTERS, PER_PAGE, WORDS, Asked, Params, said, usual_sort
from catalogue.web.passages import Passage
from indexes import queries
from indexes.analysis import highlight
from indexes.sync import Index
from indexes.texts import folder_beside

log = logging.getLogger("travee")

SHOWN_VALUES = 8  # of a filter with many values; the rest is a page of its own
NOT_ISSUES = tuple(code for code in KINDS if code != "issue")
HOME_THEMES = 8
HOME_TITLES = 5
LETTERS_FROM = 150  # a list longer than this is shown letter by letter
Address = Callable[[Asked], str]  # of the page of results that answers a question


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
    containing: str
    kept: Params  # what applying keeps: the question, and what is ticked but not shown
    asked_params: Params  # the question with what is ticked, for the box that narrows this list
    back: str


def home(session: Session, index: Index, *, scope: str) -> HomePage:
    try:
        hits = queries.search(index, "", filters={"scope": (scope,)}, limit=0)
        # Documents one can read: the issue that holds a new article is found from the article.
        recent = queries.search(
            index, "", filters={"scope": (scope,), "kind": NOT_ISSUES}, sort="added", limit=HOME_TITLES, facets=False
        )
    except OSError:
        log.exception("the index does not answer")
        themes = authorities.top_themes(session, HOME_THEMES)
        return HomePage(themes=tuple(themes), search_down=True)
    return HomePage(
        total=hits.total,
        online=dict(hits.facets["access"]).get("online", 0),
        themes=tuple(hits.facets["theme"][:HOME_THEMES]),
        recent=tuple(reading.title_lines(session, [hit.notice_id for hit in recent.hits])),
    )


def results(
    session: Session,
    index: Index,
    asked: Asked,
    address: Address,
    more: Callable[[str, Asked], str],
    *,
    widenings: Sequence[queries.Widening] = (),
) -> ResultsPage:
    """`address(asked)` is the page of results of a question, `more(name, asked)` the full list of a filter.

    `widenings`: what the thesaurus adds; what adds nothing is not told.
    """
    try:
        hits = _search(index, asked, limit=PER_PAGE, widenings=widenings)
        narrow = _search(index, asked, limit=0, facets=False) if widenings else hits
    except OSError:
        log.exception("the index does not answer")
        return _without_index(session, asked, address)
    nothing = not hits.total
    cards = reading.result_cards(session, [hit.notice_id for hit in hits.hits])
    quoted = passages.find(session, index, folder_beside(index.directory), asked.query, hits.terms, cards)
    widened = [label for widening in widenings for label in widening.labels]
    return ResultsPage(
        title=title(asked),
        heading=_heading(asked, hits.total),
        asked=asked,
        cards=tuple(cards),
        reasons=tuple(why(card, hits.terms, widened, quoted.get(card.notice_id)) for card in cards),
        passages=quoted,
        terms=hits.terms,
        total=hits.total,
        pages=_pages(asked, hits.total, address),
        groups=tuple(_groups(asked, hits, more)),
        chips=tuple(_chips(asked, address)),
        clear=address(asked.without_filters()),
        sorts=tuple(_sorts(asked, address)),
        notes=tuple(_notes(hits)),
        wider=_wider(asked, widenings, address) if _has_more(hits, narrow) else None,
        suggestion=_suggestion(asked, hits, address),
        relaxations=tuple(_relaxations(index, asked, address)) if nothing else (),
    )


def last_arrived(index: Index, asked: Asked, limit: int, *, documents_only: bool = False) -> tuple[int, list[int]]:
    """How many documents answer, and those that came last. OSError when the index does not answer.

    `documents_only`: what one reads; an issue is found from its articles.
    """
    filters = asked.filters | ({"kind": NOT_ISSUES} if documents_only else {})
    found = queries.search(index, asked.query, filters=filters, sort="added", limit=limit, facets=False)
    return found.total, [hit.notice_id for hit in found.hits]


def choices(
    index: Index, asked: Asked, name: str, letter: str, containing: str, address: Address, here: Callable[[str], str]
) -> ChoicesPage:
    """`here(letter)` is this page at another letter."""
    key = FILTERS[name]
    hits = queries.search(index, asked.query, filters=asked.filters, limit=0, facet_limit=None)
    chosen = set(asked.values(key))
    every = [Choice(said(name, value), value_label(key, value), n, value in chosen) for value, n in hits.facets[key]]
    every.sort(key=lambda choice: fold(choice.label))
    shown = [choice for choice in every if fold(containing) in fold(choice.label)]
    letters = sorted({_initial(choice.label) for choice in shown}) if len(shown) > LETTERS_FROM else []
    if letters:
        letter = letter if letter in letters else letters[0]
        shown = [choice for choice in shown if _initial(choice.label) == letter]
    values = {choice.value for choice in shown}
    base = asked.but(chosen=tuple(pair for pair in asked.chosen if pair[0] != key))
    hidden = [(name, said(name, value)) for value in asked.values(key) if said(name, value) not in values]
    return ChoicesPage(
        name=name,
        title={"theme": _("Tous les thèmes"), "langue": _("Toutes les langues"), "type": _("Tous les types")}[name],
        context=_("Parmi les documents trouvés pour « %(query)s »") % {"query": asked.query} if asked.query else "",
        choices=tuple(shown),
        letters=tuple(Link(one, here(one), one == letter) for one in letters),
        letter=letter if letters else "",
        containing=containing,
        kept=base.params() + hidden,
        asked_params=asked.but().params(),
        back=address(asked),
    )


def value_label(key: str, value: str) -> str:
    """The words of a filter's value, in the current language."""
    if key == "kind":
        kind = KINDS.get(value)
        return str(getattr(kind, current_language())) if kind else value
    if key == "access":
        words = {"online": _("Lire en ligne"), "onsite": _("Sur place"), "partner": _("Chez un partenaire")}
        return words.get(value, value)
    return language_name(value) if key == "language" else value


# --- the parts -------------------------------------------------------------------------------


def _search(
    index: Index, asked: Asked, *, limit: int, facets: bool = True, widenings: Sequence[queries.Widening] = ()
) -> queries.Hits:
    sort = asked.sort or usual_sort(asked.query)
    return queries.search(
        index,
        asked.query,
        filters=asked.filters,
        sort=sort,
        offset=asked.offset,
        limit=limit,
        facets=facets,
        widenings=widenings,
    )


def title(asked: Asked) -> str:
    if asked.query:
        return _("Recherche : %(query)s") % {"query": asked.query}
    if words := [*(value_label(key, value) for key, value in asked.chosen), *filter(None, [_year_words(asked)])]:
        return _("Documents : %(filters)s") % {"filters": ", ".join(words)}
    return _("Nouveautés") if is_new_arrivals(asked) else _("Tous les documents")


def is_new_arrivals(asked: Asked) -> bool:
    return asked.sort == "added" and not asked.query and not asked.is_narrowed


def _heading(asked: Asked, total: int) -> str:
    words = {"n": format_number(total), "query": asked.query}
    if not total:
        return (_("Aucun document pour « %(query)s »") if asked.query else _("Aucun document")) % words
    if asked.query:
        return ngettext("%(n)s document pour « %(query)s »", "%(n)s documents pour « %(query)s »", total) % words
    if is_new_arrivals(asked):
        return _("Nouveautés : les derniers documents arrivés")
    return ngettext("%(n)s document", "%(n)s documents", total) % words


def _pages(asked: Asked, total: int, address: Address) -> Pages:
    count = -(-total // PER_PAGE)
    before, after = asked.page - 1, asked.page + 1
    return Pages(
        number=asked.page,
        count=count,
        previous=address(asked.but(page=min(before, count))) if before and count else "",
        next=address(asked.but(page=after)) if after <= count else "",
    )


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
    if words := _year_words(asked):
        chips.append(Link(words, address(asked.without_years())))
    return chips


def _year_words(asked: Asked) -> str:
    first, last = asked.first_year, asked.last_year
    if first and last:
        return str(first) if first == last else f"{first}–{last}"
    if first:
        return _("depuis %(year)s") % {"year": first}
    return _("jusqu’en %(year)s") % {"year": last} if last else ""


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


def _notes(hits: queries.Hits) -> list[str]:
    notes = []
    if hits.relaxed and hits.total:
        notes.append(_("Aucun document n’a tous ces mots à la fois : ceux-ci en ont une partie."))
    if hits.ignored:
        notes.append(_("Nous n’avons pas compris : %(words)s") % {"words": " ".join(hits.ignored)})
    return notes


def _has_more(wide: queries.Hits, narrow: queries.Hits) -> bool:
    return wide is not narrow and (wide.total > narrow.total or narrow.relaxed > wide.relaxed)


def why(card: Card, words: Sequence[str], widened: Sequence[str] = (), passage: Passage | None = None) -> str:
    """Where the words of a question stand in a document: « le titre, le thème Logement social »."""
    if not words:
        return ""
    places = [
        (_("le titre"), card.title),
        (_("les auteurs"), " ; ".join(card.names)),
        (_("la revue"), card.host),
        (_("le résumé"), card.summary),
    ]
    out = [place for place, text in places if _stands_in(text, words)]
    themes = [label for label in card.themes if label in widened or _stands_in(label, words)]
    if themes:
        named = ", ".join(_("« %(theme)s »") % {"theme": label} for label in themes[:3])
        out.append(ngettext("le thème {themes}", "les thèmes {themes}", len(themes[:3])).format(themes=named))
    if passage is not None:
        out.append(_("le texte, p. %(page)s") % {"page": format_number(passage.page)})
    return _("Trouvé dans %(places)s") % {"places": ", ".join(out or [_("les notes ou le texte")])}


def _stands_in(text: str, words: Sequence[str]) -> bool:
    return any(hit for _piece, hit in highlight(text, words, len(text) + 1)) if text else False


def _wider(asked: Asked, widenings: Sequence[queries.Widening], address: Address) -> Link:
    """« élargi à « Orientation scolaire » », and the same question as it was typed."""
    names = dict.fromkeys(name for w in widenings for name in (w.name, *w.labels))
    shown = [_("« %(theme)s »") % {"theme": name} for name in list(names)[:3]]
    if len(names) > 3:
        shown.append(ngettext("un autre thème", "{n} autres thèmes", len(names) - 3).format(n=len(names) - 3))
    return Link(_("Élargi à %(themes)s.") % {"themes": ", ".join(shown)}, address(asked.but(widen=False)))


def _suggestion(asked: Asked, hits: queries.Hits, address: Address) -> Link | None:
    if not hits.suggestion or fold(hits.suggestion) == fold(asked.query):
        return None
    return Link(hits.suggestion, address(asked.but(query=hits.suggestion)))


def _relaxations(index: Index, asked: Asked, address: Address) -> list[Link]:
    """Questions a little wider, one step each, that do find something."""
    wider: list[tuple[str, Asked]] = [
        (_("Sans le filtre « %(filter)s »") % {"filter": value_label(key, value)}, asked.without(key, value))
        for key, value in asked.chosen[:5]
    ]
    if words := _year_words(asked):
        wider.append((_("Sans le filtre « %(filter)s »") % {"filter": words}, asked.without_years()))
    if len(wider) > 1:
        wider.append((_("Sans aucun filtre"), asked.without_filters()))
    if asked.scope == "local":
        wider.append((_("Dans tout le réseau"), asked.but(scope="network")))
    if asked.scope == "local" and wider[1:]:
        wider.append((_("Sans filtre, dans tout le réseau"), asked.without_filters().but(scope="network")))
    found = []
    for label, question in wider:
        if total := _search(index, question, limit=0, facets=False).total:
            found.append(Link(label, address(question), count=total))
    return found


def _without_index(session: Session, asked: Asked, address: Address) -> ResultsPage:
    """Themes stay browsable when the index does not answer; anything else is told to wait."""
    themes = asked.values("theme")
    total, ids = 0, list[int]()
    if themes and not asked.query:
        total, ids = reading.ids_with_theme(session, themes, limit=PER_PAGE, offset=asked.offset)
    return ResultsPage(
        title=title(asked),
        heading=_heading(asked, total) if total else _("La recherche ne répond pas"),
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
