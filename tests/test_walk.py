"""One walk through every public address: what is not published is nowhere, and no number counts it.

A small collection has of each thing one that visitors see and one that they do not (a draft, a candidate, a merged and
a withdrawn document, a hidden and a withdrawn copy, a draft issue). The walk begins at every address of the site and
follows every link, while the index still holds what has just been taken away, as it may for a while (a rebuild, a
queue).
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from catalogue import authorities, history, items, notices, selections, setup, sources
from catalogue.app import create_app
from catalogue.config import Settings
from catalogue.entities import AgentRow, ConceptRow
from catalogue.models import Agent, Concept, ConceptScheme, Item, Notice
from catalogue.notices import NewNotice
from catalogue.unimarc import Field, RecordItem, with_kind
from export import records
from export.formats import BY_ENDING
from tests import cast
from tests.cast import field
from tests.conftest import BROWSER_AGENT

UNSEEN = "Zorglub"  # stands in all that visitors may not see
TAKEN_AWAY = "Retiradis"  # in what has a page of its own, and a place in the lists of those who had chosen it
KNOWN = "grimoire"  # in the summary of every document: searching it asks for all of them
IDREF = "027234568"
MARCHAL = field("700", "a", "Marchal", "b", "Odile", "3", f"https://www.idref.fr/{IDREF}")
ABOUT_HER = field("600", "a", "Marchal", "b", "Odile", "3", f"https://www.idref.fr/{IDREF}")
TOKEN = "celui d’Inès"
ELSEWHERE = ("/preferences", "/static")
LISTS = ("/s/", "/selection", "/en/selection", "/en/s/")


@dataclass
class World:
    seen: dict[str, str]  # title -> address
    unseen: dict[str, str]
    withdrawn: str
    merged: str
    agent: int
    town: int  # the theme of all of them, under « Espace »
    space: int
    shared: str  # the code of a frozen list that holds all of them
    numbers: dict[str, str]  # address -> its number in the PMB that was there before


def described(kind: str, title: str, *more: Field, year: str = "2024") -> list[Field]:
    about = (field("330", "a", f"Le {KNOWN} de {title}."), field("606", "a", "Ville"), MARCHAL, ABOUT_HER)
    return with_kind(cast.notice(title, *about, *more, year=year), kind)


class Maker:
    """Documents as they come in with a file, so that what they name (« id:12 ») is found."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lot = history.open_batch(session, "import", by="claire")
        self.source = sources.for_file(session, "PMB")
        self.numbers: dict[str, int] = {}

    def take(self, kind: str, title: str, *more: Field) -> Notice:
        (claim_id,) = history.take(self.session, "claim")
        new = NewNotice(described(kind, title, *more), claim_id=claim_id, scope="PMB", status="published")
        (number,) = notices.create_many(self.session, [new], batch=self.lot)
        made = notices.get(self.session, number)
        self.numbers[str(900 + len(self.numbers))] = made.id
        return made

    def stand(self, notice: Notice, *copies: RecordItem) -> list[int]:
        made, _problems = items.add_many(self.session, [(notice.id, copy) for copy in copies], batch=self.lot)
        return made


def fill(session: Session) -> tuple[World, dict[int, str]]:
    """Everything is published at first; and what each of them is to become."""
    make = Maker(session)
    rows = [ConceptRow("t:e", {"fr": "Espace"}), ConceptRow("t:v", {"fr": "Ville"}, broader=("t:e",))]
    authorities.load_scheme(session, "t", "t:", {"fr": "Thésaurus"}, rows)
    scheme_id = session.scalars(select(ConceptScheme.id).where(ConceptScheme.code == "t")).one()
    session.add(Concept(scheme_id=scheme_id, uri="t:z", label=f"Terme {UNSEEN}", sort_key="z", status="withdrawn"))
    marchal = AgentRow("person", "Marchal, Odile", "12", identifiers={"idref": IDREF})
    authorities.take_in_agents(session, make.source, [marchal], batch=lambda: make.lot)

    serial = make.take("serial", "Les Cahiers")
    in_serial = field("461", "0", serial.address, "t", "Les Cahiers")
    issue = make.take("issue", "Les Cahiers, n° 1", in_serial)
    draft_issue = make.take("issue", f"Les Cahiers, n° 2 {UNSEEN}", in_serial)
    in_issue, in_draft = (field("463", "0", one.address, "v", str(n)) for n, one in enumerate((issue, draft_issue), 1))
    article = make.take("article", "Un article", in_serial, in_issue)
    draft_article = make.take("article", f"Un article {UNSEEN}", in_serial, in_issue)
    orphan = make.take("article", "Un article paru trop tôt", in_serial, in_draft)
    book = make.take("book", "Un livre")
    draft, candidate, merged = (
        make.take("book", f"Un {what} {UNSEEN}") for what in ("brouillon", "candidat", "doublon")
    )
    withdrawn = make.take("book", f"Un livre {TAKEN_AWAY}")
    merged.merged_into_id = book.id
    pulped = make.stand(
        book,
        RecordItem(call_number="364.4 MAR", location="Salle"),
        RecordItem(call_number=f"364.4 {UNSEEN}", location="Bureau", hidden=(("here", ""),)),
        RecordItem(call_number=f"364.5 {UNSEEN}", location="Cave"),
    )[2]
    copy = session.get(Item, pulped)
    assert copy is not None
    items.revise(session, copy, {"status": "withdrawn"}, by="claire", batch=make.lot)
    make.stand(issue, RecordItem(call_number="P CAH 1"))
    make.stand(draft_issue, RecordItem(call_number=f"P {UNSEEN} 2"))
    make.stand(draft, RecordItem(call_number=f"364.6 {UNSEEN}"))
    sources.name_ids(session, make.source, "record", make.numbers)

    everything = (serial, issue, article, orphan, book, withdrawn, draft_issue, draft_article, draft, candidate, merged)
    chosen = selections.begin(session, selections.owner_of_token(TOKEN))
    selections.add(session, chosen, [one.address for one in everything])
    code = selections.freeze(session, chosen).code
    turned = {n.id: "draft" for n in (draft_issue, draft_article, draft)}
    turned |= {candidate.id: "candidate", merged.id: "merged", withdrawn.id: "withdrawn"}
    concepts = {label: i for label, i in session.execute(select(Concept.label, Concept.id))}
    return World(
        seen={one.title: one.address for one in everything if one.id not in turned},
        unseen={one.title: one.address for one in (draft_issue, draft_article, draft, candidate)},
        withdrawn=withdrawn.address,
        merged=merged.address,
        agent=session.scalars(select(Agent.id)).one(),
        town=concepts["Ville"],
        space=concepts["Espace"],
        shared=code,
        numbers={one.address: number for number, i in make.numbers.items() for one in everything if one.id == i},
    ), turned


# --- the walk --------------------------------------------------------------------------------


@pytest.fixture
def world(app: Flask) -> World:
    """As the base has it; the index has not been told."""
    travee = app.extensions["travee"]
    travee.settings.pmb_source = "PMB"
    app.testing = False  # errors are pages, as visitors get them
    with travee.db.write() as session:
        made, turned = fill(session)
    travee.drain()
    with travee.db.write() as session:
        for number, status in turned.items():
            notices.set_status(session, notices.get(session, number), status, by="claire", why="essai")
    return made


def addresses(app: Flask, world: World) -> Iterator[str]:
    """Every way into the public site, its gaps filled with whatever could fit."""
    first, *others = world.seen.values()
    notices_ = [first, *others, *world.unseen.values(), world.withdrawn, world.merged]
    fit: dict[str, Sequence[object]] = {
        "address": notices_,
        "agent_id": [world.agent],
        "concept_id": [*range(1, 5)],
        "call_number": ["364", "364.4 MAR", f"364.5 {UNSEEN}", "P"],
        "which": ["type", "theme", "langue"],
        "code": [world.shared],
        "ending": list(BY_ENDING),
        "number": [1],
        "part": [1, 2],
        "_before": ["opac_css"],
    }
    asked = {
        "/recherche": ["", f"?q={KNOWN}", f"?q={KNOWN}&fonds=reseau", "?q=cahiers", "?acces=sur-place", "?tri=recent"],
        "/recherche.": [f"?q={KNOWN}"],
        "/selection.": ["", "?emplacements=1&resumes=1"],
        "/s/": ["", "?emplacements=1&resumes=1"],
        "/suggestions": ["?q=zorg", "?q=un", "?q=cah", "?q=marchal"],
        "/unapi": [f"?id={one}" for one in notices_] + [f"?id={one}&format=ris" for one in notices_],
        "/demande": [f"?sujet=signaler&notice={one}" for one in notices_] + ["?selection=1"],
        "/auteurs": ["", "?lettre=M"],
        "/index.php": [
            f"?lvl={level}&id={n}" for level in ("notice_display", "bulletin_display") for n in range(900, 912)
        ],
    }
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] not in ("public", "public_en", "machines") or "GET" not in (rule.methods or ()):
            continue
        paths = [re.sub(r"<string\(length=8\):|<any\([^)]*\):|<int\([^)]*\):|<path:", "<", rule.rule)]
        while any("<" in path for path in paths):
            paths = [
                path.replace(f"<{gap}>", str(value), 1)
                for path in paths
                for gap in re.findall(r"<(\w+)>", path)[:1]
                for value in (fit[gap] if not rule.rule.startswith("/en/") else [fit[gap][0], *fit[gap][-3:]])
            ]
        for path in paths:
            if _is_file(path) and (path.startswith("/en/") or any(one in path for one in others)):
                continue  # one document of those that everybody sees, in one language, is enough
            plain = path.removeprefix("/en")
            queries = next((said for start, said in reversed(asked.items()) if plain.startswith(start)), [""])
            yield from (path + query for query in queries)


def _is_file(path: str) -> bool:
    return path.partition("?")[0].endswith(tuple(BY_ENDING))


def text_of(answer: TestResponse) -> str:
    """All that a file says, whatever it is packed in."""
    if answer.mimetype == "application/pdf":
        pdf = pypdfium2.PdfDocument(answer.data)
        said = " ".join(page.get_textpage().get_text_range() for page in pdf)
        pdf.close()
        return str(said)
    if answer.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
            return " ".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    return html.unescape(answer.get_data(as_text=True))


def links(answer: TestResponse, text: str) -> set[str]:
    found = re.findall(r'href="([^"#]+)', text) + re.findall(r"<loc>([^<]+)", text)
    ours = {one.removeprefix("http://localhost") for one in found}
    return {
        one
        for one in ours
        if one.startswith("/") and "&" not in one and not one.startswith(ELSEWHERE) and not _is_file(one)
    }


def walk(app: Flask, client: FlaskClient, world: World) -> dict[str, tuple[int, str]]:
    """What every address said: (code, text)."""
    client.set_cookie("selection", TOKEN)
    told: dict[str, tuple[int, str]] = {}
    ahead = list(dict.fromkeys(addresses(app, world)))
    while ahead:
        path = ahead.pop()
        if path not in told:
            answer = client.get(path)
            text = text_of(answer)
            told[path] = (answer.status_code, f"{answer.location or ''} {text}")
            ahead += (
                sorted(links(answer, text) - told.keys()) if (answer.mimetype or "").endswith(("html", "xml")) else []
            )
    return told


def test_what_is_not_published_is_nowhere(app: Flask, client: FlaskClient, world: World) -> None:
    told = walk(app, client, world)
    assert [path for path, (code, _text) in told.items() if code >= 500] == []
    named = {path for path, (_code, text) in told.items() if UNSEEN.lower() in text.lower()}
    assert {path for path in named if UNSEEN not in path and not path.endswith("/suggestions?q=zorg")} == set()
    for address in world.unseen.values():
        assert {
            path for path, (_code, text) in told.items() if f"/d/{address}" in text and address not in path
        } == set()
        assert {code for path, (code, _text) in told.items() if f"d/{address}" in path} == {404}
    book = world.seen["Un livre"]
    for path, (code, text) in told.items():
        if f"d/{world.merged}" in path and "/fichier/" not in path:
            assert (code, text.split(" ")[0]) == (301, path.replace(world.merged, book))
    for path in ("/sitemap-pages.xml", "/sitemap-1.xml"):
        mapped = re.findall(r"<loc>http://localhost([^<]+)", told[path][1])
        assert {told[one][0] for one in mapped} == {200}
    named = {path for path, (_code, text) in told.items() if TAKEN_AWAY.lower() in text.lower()}
    assert {path for path in named if world.withdrawn not in path and not path.startswith(LISTS)} == set()
    assert {code for path, (code, _text) in told.items() if path.startswith(f"/d/{world.withdrawn}.")} == {200}


def words(client: FlaskClient, path: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text_of(client.get(path))).split())


def test_no_number_counts_what_is_not_published(app: Flask, client: FlaskClient, world: World) -> None:
    """Five documents are Odile Marchal's, about her and about the town; each page says the number that it shows."""
    assert len(world.seen) == 5
    journal = words(client, f"/revues/{world.seen['Les Cahiers']}")
    assert "1 numéro, 1 article décrit" in journal
    assert "Les Cahiers 1 numéro" in words(client, "/revues")
    assert "Marchal, Odile 5 documents" in words(client, "/auteurs?lettre=M")
    author = words(client, f"/auteurs/{world.agent}")
    assert "IdRef 5 documents 5 documents à leur sujet" in author
    assert author.count(KNOWN) == 5
    assert "Voir les 5 documents" in words(client, f"/themes/{world.town}")
    assert "Ville 5 documents" in words(client, f"/themes/{world.space}")
    assert "5 documents avec les termes plus précis" in words(client, f"/themes/{world.space}")
    assert "364 1 exemplaire" in words(client, "/rayons")
    assert words(client, "/rayons/364").count("Un livre") == 1
    assert "Sur place 1 numéro, sur rendez-vous" in words(client, f"/d/{world.seen['Les Cahiers']}")
    assert "P 1 exemplaire" in words(client, "/rayons")
    app.extensions["travee"].drain()
    assert "5 documents" in words(client, f"/recherche?q={KNOWN}")
    assert "cahiers" in client.get("/suggestions?q=cah").text
    assert UNSEEN.lower() not in client.get("/suggestions?q=zorg").text.lower().replace("q=zorg", "")


def test_files_of_records_leave_out_what_has_no_page(app: Flask, world: World) -> None:
    """Whatever list they are asked for: the ways in above ask the database first, another may not."""
    with app.extensions["travee"].db.read_session() as session:
        gone_out = {one.address for one in records.load(session, range(1, 12), public=True)}
    assert gone_out == {*world.seen.values(), world.withdrawn}


def test_a_search_is_taken_away_up_to_what_a_list_may_hold(
    client: FlaskClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selections, "LARGEST", 3)
    assert len(client.get(f"/recherche.csl.json?q={KNOWN}").get_json()) == 3


def test_many_letters_in_a_while_are_stopped(settings: Settings) -> None:
    """Whatever is in them: an open form that sends mail is somebody's way to send mail."""
    setup.init(settings)
    app = create_app(settings.model_copy(update={"testing": False}))
    client = app.test_client()
    client.environ_base["HTTP_USER_AGENT"] = BROWSER_AGENT
    codes = [client.post("/selection/courriel", data={"courriel": "x"}).status_code for _try in range(30)]
    app.extensions["travee"].close()
    assert codes[0] != 429 and codes[-1] == 429
