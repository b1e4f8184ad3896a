"""What the page of results says, in words: what was understood, what was found, where, and what to try next. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from catalogue.i18n import _, current_language, format_number, language_name, ngettext
from catalogue.identifiers import find_isbn, find_issn
from catalogue.reading import Card
from catalogue.unimarc import KINDS
from catalogue.web.asked import LONGEST_QUERY, Asked
from catalogue.web.passages import Passage
from catalogue.web.topics import theme_words
from indexes.analysis import highlight, tokens
from indexes.grammar import LAST_YEAR, MOST_CLAUSES, MOST_PREFIXES, Clause, Either, Exact, Span, parse
from indexes.queries import Hits

NAMED_THEMES = 3  # in one sentence
_BREAKS = re.compile(r" (?=[»:;!?])|(?<=«) ")


def spaced(sentence: str) -> str:
    """French keeps its guillemets, colons and question marks on the line of the word they belong to."""
    return _BREAKS.sub("\u00a0", sentence) if current_language() == "fr" else sentence


def quoted(words: str) -> str:
    return spaced(_("« %(words)s »")) % {"words": words}


def title(asked: Asked) -> str:
    if asked.query:
        return spaced(_("Recherche : %(query)s")) % {"query": asked.query}
    if words := [*(value_label(key, value) for key, value in asked.chosen), *filter(None, [year_words(asked)])]:
        return spaced(_("Documents : %(filters)s")) % {"filters": ", ".join(words)}
    return _("Nouveautés") if is_new_arrivals(asked) else _("Tous les documents")


def is_new_arrivals(asked: Asked) -> bool:
    return asked.sort == "added" and not asked.query and not asked.is_narrowed


def heading(asked: Asked, total: int) -> str:
    words = {"n": format_number(total), "query": asked.query}
    if not total:
        return spaced(_("Aucun document pour « %(query)s »") if asked.query else _("Aucun document")) % words
    if asked.query:
        found = ngettext("%(n)s document pour « %(query)s »", "%(n)s documents pour « %(query)s »", total)
        return spaced(found) % words
    if is_new_arrivals(asked):
        return spaced(_("Nouveautés : les derniers documents arrivés"))
    return ngettext("%(n)s document", "%(n)s documents", total) % words


def value_label(key: str, value: str) -> str:
    """The words of a filter's value, in the current language."""
    if key == "kind":
        kind = KINDS.get(value)
        return str(getattr(kind, current_language())) if kind else value
    if key == "access":
        words = {"online": _("Lire en ligne"), "onsite": _("Sur place"), "partner": _("Chez un partenaire")}
        return words.get(value, value)
    if key == "theme":
        return theme_words(value)
    return language_name(value) if key == "language" else value


def year_words(asked: Asked) -> str:
    return _between(asked.first_year, asked.last_year)


def _between(first: int | None, last: int | None) -> str:
    if first and last:
        return str(first) if first == last else f"{first}–{last}"
    if first:
        return _("depuis %(year)s") % {"year": first}
    return _("jusqu’en %(year)s") % {"year": last} if last else ""


def notes(asked: Asked, hits: Hits) -> list[str]:
    """How the question was understood, where that is not what everybody would expect."""
    out = []
    if asked.is_cut:
        words = _("Votre question est très longue : nous n’en avons lu que les %(n)s premiers signes.")
        out.append(spaced(words) % {"n": LONGEST_QUERY})
    if hits.is_cut:
        words = _("Votre question est longue : seuls les %(n)s premiers mots ont été cherchés.")
        out.append(spaced(words) % {"n": MOST_CLAUSES})
    if hits.ignored:
        out.append(spaced(_("Nous n’avons pas compris : %(words)s")) % {"words": " ".join(hits.ignored)})
    if beyond := parse(asked.query).beyond:
        words = _("Au-delà de %(n)s débuts de mots, nous ne cherchons plus : %(words)s")
        out.append(spaced(words) % {"n": MOST_PREFIXES, "words": " ".join(beyond)})
    if hits.says_nothing and not (hits.ignored or beyond) and not hits.total:
        out.append(_nothing_to_look_for(asked.query))
    if understood := _either(asked.query):
        out.append(spaced(_("Compris ainsi : %(words)s.")) % {"words": understood})
    return out


def _nothing_to_look_for(text: str) -> str:
    if any(True for _token in tokens(text)):
        words = _("Ces mots sont trop courants pour être cherchés seuls : ajoutez-en un qui dise votre sujet.")
        return spaced(words)
    return spaced(_("Il n’y a pas de mot à chercher ici : seuls les mots et les nombres comptent."))


def _either(text: str) -> str:
    """« logement, avec social ou habitat »: who writes OU sees what it joins."""
    query = parse(text)
    if not any(isinstance(clause, Either) for clause in query.clauses) and all(len(some) == 1 for some in query.years):
        return ""
    said = [_said(clause, query.text) for clause in query.positive] + [_said_years(spans) for spans in query.years]
    return _(" avec ").join(said)


def _said(clause: Clause, text: str) -> str:
    if isinstance(clause, Either):
        return "(" + _(" ou ").join(_said(option, text) for option in clause.options) + ")"
    if isinstance(clause, Exact):
        return clause.key[1:]
    return quoted(text[clause.words[0].start : clause.words[-1].end])


def _said_years(spans: Sequence[Span]) -> str:
    said = [_between(first if first > 1 else None, last if last < LAST_YEAR else None) for first, last in spans]
    return "(" + _(" ou ").join(said) + ")" if len(said) > 1 else said[0]


def relaxed(*, others_have: bool) -> str:
    if others_have:
        words = _("Aucun document de notre fonds n’a tous ces mots à la fois : ceux-ci en ont une partie.")
    else:
        words = _("Aucun document n’a tous ces mots à la fois : ceux-ci en ont une partie.")
    return spaced(words)


def without(label: str) -> str:
    return spaced(_("Sans le filtre « %(filter)s »")) % {"filter": label}


def wider(themes: Sequence[str]) -> str:
    """« Élargi à « Orientation scolaire » »: the themes that bring more documents."""
    shown = ", ".join(quoted(theme_words(theme)) for theme in themes[:NAMED_THEMES])
    if (more := len(themes) - NAMED_THEMES) > 0:
        shown += ngettext(" et un autre thème", " et {n} autres thèmes", more).format(n=more)
    return _("Élargi à %(themes)s.") % {"themes": shown}


def why(
    card: Card, words: Sequence[str], themes: Sequence[str] = (), passage: Passage | None = None, named: str = ""
) -> str:
    """Where the words of a question stand in a document: « le titre, le thème Logement social », « l’ISBN »."""
    if named:
        return _("Trouvé dans %(places)s") % {"places": name_of(named)}
    if not words:
        return ""
    places = [
        (_("le titre"), card.title),
        (_("les auteurs"), " ; ".join(card.names)),
        (_("la revue"), card.host),
        (_("le résumé"), card.summary),
    ]
    out = [place for place, text in places if _stands_in(text, words)]
    about = [label for label in card.themes if label in themes or _stands_in(label, words)][:NAMED_THEMES]
    if about:
        listed = ", ".join(quoted(theme_words(label)) for label in about)
        out.append(ngettext("le thème {themes}", "les thèmes {themes}", len(about)).format(themes=listed))
    if passage is not None:
        out.append(_("le texte, p. %(page)s") % {"page": format_number(passage.page)})
    return _("Trouvé dans %(places)s") % {"places": ", ".join(out or [_("les notes ou le texte")])}


def name_of(key: str) -> str:
    """« l’ISBN », « la cote »: what an exact string of the index is (`indexes.naming`)."""
    value = key[1:]
    if key.startswith("c"):
        return _("la cote")
    if value.startswith("10."):
        return _("le DOI")
    if find_isbn(value):
        return _("l’ISBN")
    return _("l’ISSN") if find_issn(f"{value[:4]}-{value[4:]}") else _("les numéros du document")


def _stands_in(text: str, words: Sequence[str]) -> bool:
    return any(hit for _piece, hit in highlight(text, words, len(text) + 1)) if text else False
