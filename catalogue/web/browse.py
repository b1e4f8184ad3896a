"""Ways in without a question: authors, journals, shelves, new arrivals, the map of the site.

The routes belong to the public blueprint: each exists in French and in English.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime
from itertools import groupby

from flask import Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from catalogue import authors as people
from catalogue import journals as periodicals
from catalogue import latest, reading
from catalogue import shelves as standing
from catalogue.identifiers import is_code
from catalogue.web import ctx, proposing, public, searching
from catalogue.web.asked import Asked, query_string, understand
from catalogue.web.public import blueprint, to
from catalogue.web.searching import Link, Pages

NEW_SHOWN = 30
LAST_PAGE = 2_500
LONGEST = 80  # a call number
SUGGESTIONS_KEPT = 300  # seconds


@blueprint.get("/auteurs")
def authors() -> ResponseReturnValue:
    session = ctx.get_session()
    letters = people.author_letters(session)
    asked = request.args.get("lettre", "").upper()
    letter = asked if asked in letters else next(iter(letters), "")
    page = _page()
    total, names = people.authors(session, letter, page) if letter else (0, [])
    links = [Link(one, to("authors", lettre=one), one == letter) for one in letters]
    pages = _pages(total, people.NAMES_PER_PAGE, page, "authors", lettre=letter)
    if page > max(pages.count, 1):
        return _last(pages, "authors", lettre=letter)
    return render_template(
        "public/authors.html", letters=links, letter=letter, names=names, pages=pages, current="authors"
    )


@blueprint.get("/auteurs/<int(max=2147483647):agent_id>")
def author(agent_id: int) -> ResponseReturnValue:
    page = _page()
    found = people.author_page(ctx.get_session(), agent_id, page)
    if found is None:
        abort(404)
    if isinstance(found, int):
        return redirect(to("author", agent_id=found), 301)
    pages = _pages(found.total, people.PER_PAGE, page, "author", agent_id=agent_id)
    if page > max(pages.count, 1):
        return _last(pages, "author", agent_id=agent_id)
    return render_template("public/author.html", a=found, pages=pages, current="authors")


@blueprint.get("/revues")
def journals() -> ResponseReturnValue:
    page = _page()
    found = periodicals.journals(ctx.get_session(), request.args.get("lettre", "").upper(), page)
    one = {"lettre": found.letter} if found.letter else {}
    pages = _pages(found.total, periodicals.PER_PAGE, page, "journals", **one)
    if page > max(pages.count, 1):
        return _last(pages, "journals", **one)
    links = [
        Link(letter, to("journals", lettre=letter) if found.letter else f"#l-{letter}", letter == found.letter)
        for letter in found.letters
    ]
    return render_template("public/journals.html", found=found, letters=links, pages=pages, current="journals")


@blueprint.get("/revues/<address>")
def journal(address: str) -> ResponseReturnValue:
    page = _page()
    found = periodicals.journal_page(ctx.get_session(), address, page) if is_code(address) else None
    if found is None:
        return redirect(to("notice", address=address), 302) if is_code(address) else abort(404)
    pages = _pages(found.issues, periodicals.PER_PAGE, page, "journal", address=address)
    if page > max(pages.count, 1):
        return _last(pages, "journal", address=address)
    years = [
        Link(year, to("journal", address=address, **_numbered(n)) + f"#a-{year}") for year, n in found.pages_of if year
    ]
    return render_template("public/journal.html", j=found, years=years, pages=pages, current="journals")


@blueprint.get("/rayons")
def shelves() -> ResponseReturnValue:
    return render_template("public/shelves.html", classes=standing.classes(ctx.get_session()), current="shelves")


@blueprint.get("/rayons/<path:call_number>")
def shelf(call_number: str) -> ResponseReturnValue:
    """The shelf from this call number on: what stands beside what one was looking for."""
    wanted = " ".join(call_number.split())[:LONGEST]
    before, after = (code if is_code(code := request.args.get(name, "")) else "" for name in ("avant", "apres"))
    found = standing.shelf(ctx.get_session(), wanted, before=before, after=after)
    label = standing.class_label(ctx.get_session(), wanted)
    return render_template("public/shelf.html", s=found, wanted=wanted, label=label, current="shelves")


@blueprint.get("/nouveautes")
def new_arrivals() -> ResponseReturnValue:
    """The last documents to come, by month of arrival."""
    asked = replace(understand([], ctx.settings().default_scope), sort="added")
    session = ctx.get_session()
    _total, ids = searching.last_arrived(ctx.get_searcher(), asked, NEW_SHOWN, documents_only=True)
    cards = {card.notice_id: card for card in reading.result_cards(session, ids)}
    came = {address: instants[0] for address, instants in latest.instants(session, list(cards)).items()}
    shown = [cards[i] for i in ids if i in cards and cards[i].address in came]
    months = [(month, list(group)) for month, group in groupby(shown, lambda card: _month(came[card.address]))]
    return render_template("public/new.html", months=months, current="new")


@blueprint.get("/plan-du-site")
def site_map() -> ResponseReturnValue:
    return render_template("public/site_map.html", current="site_map")


@blueprint.get("/suggestions")
def suggestions() -> ResponseReturnValue:
    """What the search box proposes, as a browser's own box would have it too (`proposing.to_json`)."""
    typed = request.args.get("q", "")
    asked = understand(list(request.args.items(multi=True)), ctx.settings().default_scope)
    try:
        found = proposing.proposals(ctx.get_searcher(), typed, asked, _results)
    except OSError:
        found = []  # a box that proposes nothing is still a box
    body = proposing.to_json(typed, found)
    response = Response(body, content_type="application/x-suggestions+json; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={SUGGESTIONS_KEPT}"
    return response


def _results(asked: Asked) -> str:
    return public.absolute(to("results") + query_string(asked.params()))


def _month(at: datetime) -> date:
    return at.date().replace(day=1)


def _page() -> int:
    text = request.args.get("page", "1")
    return min(int(text), LAST_PAGE) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else 1


def _pages(total: int, size: int, page: int, name: str, **values: object) -> Pages:
    return Pages.of(page, -(-total // size), lambda number: to(name, **values, **_numbered(number)))


def _last(pages: Pages, name: str, **values: object) -> ResponseReturnValue:
    """For whoever asks for a page beyond the last: a list that goes on shrinking is not empty."""
    return redirect(to(name, **values, **_numbered(pages.count)))


def _numbered(page: int) -> dict[str, int]:
    return {"page": page} if page > 1 else {}
