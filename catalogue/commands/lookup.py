"""What the outside sources know of a number, an address or a title: as « Cataloguer » would be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from catalogue import form, found, remembered
from catalogue.commands import DONE, FAILED, IN_PART, as_json, fail, finish, running
from catalogue.found import Answer, Proposals, Proposed
from catalogue.i18n import _, format_number
from harvest import lookup


@click.command("lookup")
@click.argument("text")
@click.option("--choose", default="", metavar="CLÉ", help="Le document à prendre, quand plusieurs répondent.")
@as_json
def lookup_(text: str, choose: str, as_json: bool) -> None:
    """Demande aux sources extérieures ce qu’elles savent d’un ISBN, ISSN, DOI, d’une adresse web ou d’un titre.

    Rien n’est écrit dans la base.
    """
    question = lookup.understand(text)
    if not question.possible:
        fail(as_json, question.said)
    with running(as_json) as travee:
        with travee.db.read() as session:
            known = lookup.sources(remembered.read(session, lookup.SETTING))
            habits = remembered.read(session, lookup.HABITS, {})
        answers = list(lookup.ask(question, known, **lookup.manners(travee.settings)))
    title = question.value if question.kind == "title" else ""
    proposals = found.propose({}, answers, habits if isinstance(habits, dict) else {}, title=title, chosen=choose)
    failed = sum(answer.failed or answer.state == "wrong" for answer in answers)
    code = DONE if not failed else FAILED if failed == len(answers) else IN_PART
    document = {
        "question": {"kind": question.kind, "value": question.value, "said": question.said},
        "answers": [_answer(answer) for answer in answers],
        "proposals": {key: _proposed(one) for key, one in proposals.filled.items()},
        "choices": {key: [_proposed(one) for one in several] for key, several in proposals.choices.items()},
        "subjects": [word.text for word in proposals.words],
        "documents": [
            {"key": d.key, "title": d.title, "author": d.author, "year": d.year, "kind": d.kind, "taken": d.taken}
            for d in proposals.documents
        ],
    }
    finish(as_json, document, question.said, *_lines(answers, proposals), code=code)


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "source": answer.source,
        "label": answer.label,
        "state": answer.state,
        "records": len(answer.records),
        "seconds": answer.seconds,
        "reason": answer.reason,
    }


def _proposed(one: Proposed) -> dict[str, Any]:
    return {"values": {name: list(texts) for name, texts in one.values.items()}, "sources": list(one.sources)}


def _lines(answers: list[Answer], proposals: Proposals) -> Iterator[str]:
    if not answers:
        yield _("Aucune source ne répond à cette sorte de question.")
    for answer in answers:
        told = {"source": answer.label, "seconds": format_number(answer.seconds)}
        words = {
            "found": _("{source} : trouvé en {seconds} s"),
            "nothing": _("{source} : rien, en {seconds} s"),
        }.get(answer.state, "")
        yield "  " + (answer.reason or words.format(**told))
    for document in proposals.documents:
        sign = "→" if document.taken else " "
        parts = (document.title, document.author, document.year, document.key)
        yield f"{sign} " + " · ".join(part for part in parts if part)
    for key, one in proposals.filled.items():
        label = form.FORM[key].label if key in form.FORM else _("Type de document")
        yield f"{label} : {one.text} ({', '.join(one.labels)})"
        for other in proposals.choices.get(key, ()):
            yield f"    ≠ {other.text} ({', '.join(other.labels)})"
    if proposals.words:
        yield _("Sujets, dans leurs mots : {words}").format(words=" ; ".join(word.text for word in proposals.words))


COMMANDS = (lookup_,)
