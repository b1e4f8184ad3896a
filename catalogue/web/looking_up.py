"""« Chercher »: what was pasted is understood, the sources are asked side by side, the form is filled in.

A whole reference is read here and now; sources are asked only for what has a number or an address in it. What is found
enters empty fields; who did not answer is named; what nobody could answer because a source was down is asked again at
night.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask_login import current_user

from catalogue import asking_again, audit, form, found, pasted, remembered
from catalogue.found import Answer
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.web import ctx, filling
from catalogue.web.filling import Filling, Offer
from catalogue.web.notice_page import Searched
from harvest import lookup
from harvest.lookup import Question

LONGEST = 2_000
TOP = "top"  # the source of what is only what was asked for, in the field on top
FIELDS = {"isbn": "isbn", "issn": "issn", "doi": "doi", "url": "address", "title": "title"}  # a question -> its field


NOTHING = {
    "isbn": N_("Rien trouvé pour l’ISBN %(value)s : continuez à la main."),
    "issn": N_("Rien trouvé pour l’ISSN %(value)s : continuez à la main."),
    "doi": N_("Rien trouvé pour le DOI %(value)s : continuez à la main."),
    "url": N_("Rien trouvé à cette adresse : continuez à la main."),
    "title": N_("Aucun document trouvé sous ce titre : continuez à la main."),
}


@dataclass(frozen=True, slots=True)
class Result:
    filled: Filling
    searched: Searched

    @property
    def to_choose(self) -> bool:
        """Several documents answer, and none of them is taken."""
        return bool(self.searched.documents) and not any(one.taken for one in self.searched.documents)


def look(filled: Filling, text: str, address: str, chosen: str = "", last: str = "") -> Iterator[str | Result]:
    """A line for each source as it answers, then what came of it all.

    `address`: of the notice, or the one it will have; `chosen`: the document taken among those found; `last`: what was
    asked before, which leaves the field it stood in.
    """
    text, began = form.one_line(text)[:LONGEST], time.monotonic()
    filled = before = _without_asked(filled, last)
    reference = pasted.read(text)
    if reference is not None:
        values = {**reference.values, **({form.KIND: [reference.kind]} if reference.kind else {})}
        filled = filling.offer(filled, filling.offers_of(values, "pasted", _("collé")))
    question = _question(text, reference)
    if question is None or not question.possible:
        words = question.said if question is not None and reference is None else _count(before, filled)
        yield Result(filled, Searched(words))
        return
    lines: list[str] = []
    answers: list[Answer] = []
    for answer in _ask(question):
        answers.append(answer)
        lines.append(said(answer))
        yield lines[-1]
    title = question.value if question.kind == "title" else ""
    proposals = found.propose(filled.values, answers, _habits(), title=title, chosen=chosen)
    filled = filling.offer(filled, _offers(proposals))
    words = _told(before, filled, question, answers, began, address, several=bool(proposals.documents))
    filled = _with_asked(filled, question)
    searched = Searched(words, lines, documents=proposals.documents, words_found=[w.text for w in proposals.words])
    yield Result(filled, searched)


def _with_asked(filled: Filling, question: Question) -> Filling:
    """A title or a number that nobody answered to is not typed again: it enters its own field, while that is empty."""
    key = FIELDS[question.kind]
    if any(text.strip() for text in filled.values.get(key, ())):
        return filled
    return filling.offer(filled, filling.offers_of({key: [question.value]}, TOP, _("saisi en haut")))


def _without_asked(filled: Filling, last: str) -> Filling:
    key = FIELDS[lookup.understand(last).kind]
    asked = [lookup.understand(last).value] == filled.values.get(key) and filled.found.get(key, ("", ""))[0] == TOP
    return filling.drop(filled, key)[0] if asked else filled


def _question(text: str, reference: pasted.Pasted | None) -> Question | None:
    """What the sources are asked: of a reference, only the number or the address it holds."""
    if reference is None:
        return lookup.understand(text)
    for name in ("doi", "isbn", "address"):
        if name in reference.values:
            return lookup.understand(reference.values[name][0])
    return None


def _ask(question: Question) -> Iterator[Answer]:
    session, settings = ctx.get_session(), ctx.settings()
    sources = lookup.sources(remembered.read(session, lookup.SETTING))
    ctx.end_session()  # nobody waits for our database while we wait for others'
    return lookup.ask(question, sources, **lookup.manners(settings))


def _offers(proposals: found.Proposals) -> list[Offer]:
    every = [*proposals.filled.values(), *(one for several in proposals.choices.values() for one in several)]
    return [Offer(one.key, one.sources[0], ", ".join(one.labels), one.values) for one in every]


def _habits() -> dict[str, list[str]]:
    kept = remembered.read(ctx.get_session(), lookup.HABITS, {})
    return kept if isinstance(kept, dict) else {}


def said(answer: Answer) -> str:
    """« BnF : trouvé en 0,8 s », « Crossref : ne répond pas »."""
    params = {"source": answer.label, "seconds": format_number(round(answer.seconds, 1)), "reason": answer.reason}
    if answer.state == "found" and round(answer.seconds, 1):
        return _("%(source)s : trouvé en %(seconds)s s") % params
    if answer.state == "found":
        return _("%(source)s : trouvé") % params
    if answer.state == "nothing" and not answer.reason:
        return _("%(source)s : rien") % params
    return answer.reason or _("%(source)s : pas de réponse") % params


def _told(
    before: Filling,
    after: Filling,
    question: Question,
    answers: list[Answer],
    began: float,
    address: str,
    *,
    several: bool,
) -> str:
    """One sentence for all of it."""
    if several and after == before:
        return _("Plusieurs documents répondent : dites lequel.")
    if any(answer.state == "found" for answer in answers):
        seconds = round(time.monotonic() - began, 1)
        words = _("Trouvé en %(seconds)s s.") % {"seconds": format_number(seconds)} if seconds else _("Trouvé.")
        return f"{words} {_count(before, after)}"
    failed = [answer.source for answer in answers if answer.failed]
    if failed:
        with ctx.get_writer() as session:
            asking_again.remember(session, question, by=current_user.login, notice_address=address, failed=failed)
        return _("Rien trouvé ; nous réessaierons cette nuit.")
    if not answers:
        return _("Aucune source ne répond à cette sorte de question : continuez à la main.")
    return _(NOTHING[question.kind]) % {"value": question.value}


def _count(before: Filling, after: Filling) -> str:
    """« 7 champs remplis, 2 propositions à choisir. »"""
    n = len(after.found.keys() - before.found.keys())
    parts = [ngettext("%(n)s champ rempli", "%(n)s champs remplis", n) % {"n": n}]
    if m := len(after.proposed) - len(before.proposed):
        parts.append(ngettext("%(n)s proposition à choisir", "%(n)s propositions à choisir", m) % {"n": m})
    return f"{', '.join(parts)}."


def never(source: str, key: str) -> None:
    """« Ne plus proposer le résumé de BnF »: a habit of the whole centre, which Réglages shows."""
    known = {one.code for one in lookup.sources()}
    if source not in known or key not in (form.KIND, *form.FORM):
        return
    with ctx.get_writer() as session:
        kept = remembered.read(session, lookup.HABITS, {})
        habits = {code: list(keys) for code, keys in kept.items()} if isinstance(kept, dict) else {}
        if key not in habits.setdefault(source, []):
            habits[source].append(key)
            remembered.write(session, lookup.HABITS, habits)
            audit.note(session, "setting_changed", by=current_user.login, about=f"lookup.habits {source}")
