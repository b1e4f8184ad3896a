"""Claire pastes a reference, is warned of doubles, publishes, goes on to the next article; what she typed stays."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from catalogue import (
    alike,
    authorities,
    cataloguing,
    choices,
    db,
    form,
    history,
    notices,
    pasted,
    remembered,
    users,
)
from catalogue.entities import AgentRow
from catalogue.form import FORM
from catalogue.found import Answer
from catalogue.identifiers import check_character
from catalogue.matching import candidates
from catalogue.models import Item, Judgement, LookupWait, Notice
from catalogue.web import filling, looking_up
from catalogue.web.filling import Filling, Offer
from tests.cast import GAZETTE, field, notice
from tests.conftest import PASSWORD
from tests.test_desk import BOOK, filled, made, read, said, saved, signed_in, text

STATIC = Path(filling.__file__).parent / "static"
REFERENCE = (
    "Martin, Léa. Orientation : des lycéens inégaux devant le choix. "
    "Gazette des quartiers, n° 2710, 18 mars 2024, p. 22-24"
)
TOKEN = "b000000" + check_character("b000000")
ARTICLE = {
    "kind": "press_article",
    "title": "Orientation : des lycéens inégaux devant le choix",
    "author": ["Martin, Léa"],
    "author_role": ["070"],
    "journal": "Gazette des quartiers",
    "issue_number": "2710",
    "issue_date": "18 mars 2024",
    "extent": "p. 22-24",
    "subject": ["Orientation scolaire"],
    "version": "0",
}


@pytest.fixture
def base(app: Flask) -> db.Database:
    found: db.Database = app.extensions["travee"].db
    return found


# --- a reference, read -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kind", "values"),
    [
        (REFERENCE, "press_article", {k: [v] if isinstance(v, str) else v for k, v in ARTICLE.items()}),
        (
            "DUPONT Anne, LE GOFF Paul, « Le tri à l’école », Diversité, vol. 12, n° 3, 2021, p. 4-9. DOI 10.5555/Abc",
            "article",
            {
                "title": ["Le tri à l’école"],
                "author": ["Dupont, Anne", "Le Goff, Paul"],
                "journal": ["Diversité"],
                "issue_number": ["vol. 12, n° 3"],
                "issue_date": ["2021"],
                "doi": ["10.5555/abc"],
            },
        ),
        (
            "DUBOIS, Claude. La ville partagée. Lyon : Éditions du Canal, 2015. 256 p. ISBN 978-2-07-036822-8",
            "book",
            {"publisher": ["Éditions du Canal"], "place": ["Lyon"], "date": ["2015"], "isbn": ["9782070368228"]},
        ),
        (
            "Dumas, A. et Nguyễn, T. H. Vivre ensemble. Revue des villes, n° 12, mars-avril 2023. https://exemple.fr/a.pdf",
            "article",
            {
                "author": ["Dumas, A.", "Nguyễn, T. H."],
                "title": ["Vivre ensemble"],
                "address": ["https://exemple.fr/a.pdf"],
            },
        ),
        (  # a year behind the pages is no page, and a year in the title is no date
            "Martin, Léa. L’école en 2030. Diversité, no 12, p. 4-19, 2021",
            "article",
            {"title": ["L’école en 2030"], "journal": ["Diversité"], "issue_date": ["2021"], "extent": ["p. 4-19"]},
        ),
        (  # what stands before the town is not the town; who is no sure name stays in the title, to be looked at
            "Martin L., Roux P. Les quartiers. Lyon : Éditions du Canal, 2015. 200 p.",
            "book",
            {"title": ["Martin L., Roux P. Les quartiers"], "place": ["Lyon"], "publisher": ["Éditions du Canal"]},
        ),
    ],
)
def test_a_reference_is_read_as_far_as_one_can_be_sure(typed: str, kind: str, values: dict[str, list[str]]) -> None:
    found = pasted.read(typed)
    assert found is not None and (found.kind, found.left) == (kind, "")
    wanted = {name: texts for name, texts in values.items() if name in found.values}
    assert {name: found.values[name] for name in wanted} == wanted and len(wanted) > 2


@pytest.mark.parametrize(
    "typed",
    ["", "La ville en miettes", "Orientation : des lycéens inégaux devant le choix", "978-2-07-036822-8", "x" * 9_000],
)
def test_a_title_or_a_number_is_no_reference(typed: str) -> None:
    assert pasted.read(typed) is None


@given(st.text(max_size=300))
def test_whatever_is_pasted_is_read_or_left_alone(typed: str) -> None:
    found = pasted.read(typed)
    assert found is None or found.values["title"][0].strip()


# --- what is found enters empty fields only --------------------------------------------------

KEYS = st.sampled_from(["title", "author", "journal", "extent", "abstract", "subject", "kind"])


@st.composite
def offers(draw: Any) -> list[Offer]:
    out = []
    for key in draw(st.lists(KEYS, max_size=6)):
        names = ["kind"] if key == "kind" else [c.name for c in FORM[key].columns]
        rows = draw(st.integers(1, 3))
        values = {
            name: draw(st.lists(st.sampled_from(["", "a", "É", "book"]), min_size=rows, max_size=rows))
            for name in names
        }
        out.append(Offer(key, draw(st.sampled_from(["bnf", "sudoc"])), "X", values))
    return out


@given(offers(), st.lists(KEYS, max_size=4))
def test_no_offer_touches_what_is_written_and_none_is_made_twice(offered: list[Offer], written: list[str]) -> None:
    before = Filling({(key if key == "kind" else FORM[key].columns[0].name): ["à moi"] for key in written})
    after = filling.offer(before, offered)
    assert {name: after.values[name] for name in before.values} == dict(before.values)
    assert not set(after.found) & set(written)
    assert filling.offer(after, offered) == after
    # All of it goes through a browser and back.
    sent = MultiDict([(n, t) for n, texts in after.values.items() for t in texts])
    for key, (source, label) in after.found.items():
        sent.add(f"trouve_{key}", f"{source}|{label}")
    for one in after.proposed:
        sent.add("propose", filling.as_text(one))
    assert filling.read(sent).proposed == after.proposed and filling.read(sent).found == after.found


def test_taking_a_proposal_replaces_a_value_and_joins_a_list() -> None:
    start = Filling({"title": ["Le mien"], "author": ["Dupont, Anne"], "author_role": ["070"]})
    both = filling.offer(
        start,
        [
            Offer("title", "bnf", "BnF", {"title": ["Le leur"]}),
            Offer("author", "bnf", "BnF", {"author": ["Dupont, Anne", "Roux, Paul"], "author_role": ["070", "730"]}),
        ],
    )
    taken = filling.take(filling.take(both, 1), 0)
    assert taken.values["title"] == ["Le leur"] and taken.proposed == ()
    assert (taken.values["author"], taken.values["author_role"]) == (["Dupont, Anne", "Roux, Paul"], ["070", "730"])
    assert filling.take(taken, 7) == taken
    dropped, what = filling.drop(taken, "title")
    assert dropped.values["title"] == [] and what is not None and what.source == "bnf"


@pytest.mark.parametrize("sent", ["", "[]", "{", '{"k":"title","v":3}', '{"k":"nothing","v":{}}', "[" * 5_000])
def test_a_proposal_that_a_browser_made_up_is_none(sent: str) -> None:
    assert filling.read(MultiDict([("propose", sent)])).proposed == ()


# --- « Chercher », without a script ----------------------------------------------------------


def test_a_pasted_reference_fills_the_form_and_the_next_article_keeps_its_issue(
    claire: FlaskClient, base: db.Database
) -> None:
    page = claire.get("/bureau/notices/nouvelle")
    token = filled(page, "nouvelle")[0]
    page = claire.get("/bureau/notices/nouvelle", query_string={"chercher": REFERENCE, "nouvelle": token})
    assert (page.status_code, filled(page, "kind"), filled(page, "journal")) == (
        200,
        ["press_article"],
        ["Gazette des quartiers"],
    )
    assert "trouvé · collé" in text(page) and "7 champs remplis." in text(page)
    with base.read() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 0, "nothing is saved by looking"
    # What was found is taken out again, the rest stays.
    without = saved(
        claire, **ARTICLE, trouve_extent="pasted|collé", chercher=REFERENCE, nouvelle=token, action="drop:extent"
    )
    assert filled(without, "extent") == [""] and filled(without, "issue_number") == ["2710"]

    answer = saved(claire, **ARTICLE, nouvelle=token, cherche=REFERENCE, chercher=REFERENCE, action="publish_next")
    assert answer.location.endswith(f"/bureau/notices/nouvelle?suivant={token}&fait=published")
    following = claire.get(answer.location)
    assert "Notice publiée. Voici l’article suivant du même numéro." in text(following)
    again = claire.get("/bureau/notices/nouvelle", query_string={"chercher": REFERENCE, "nouvelle": token})
    assert again.location == f"/bureau/notices/{token}", "the Back button leads to what was made, not to another one"
    kept = {name: filled(following, name)[0] for name in ("kind", "journal", "issue_number", "issue_date", "title")}
    assert kept == {
        "kind": "press_article",
        "journal": "Gazette des quartiers",
        "issue_number": "2710",
        "issue_date": "18 mars 2024",
        "title": "",
    }
    assert "/annuler" in following.text and filled(following, "nouvelle") != [token]


def test_the_sources_fill_empty_fields_and_who_fails_is_named(
    claire: FlaskClient, base: db.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = notice("Leur titre", field("330", "a", "Leur résumé."), field("215", "a", "256 p."))
    answers = [
        Answer("bnf", "BnF", "found", (theirs,), "", 1.2),
        Answer("hal", "HAL", "down", reason="HAL ne répond pas."),
    ]
    monkeypatch.setattr(looking_up.lookup, "ask", lambda *_args, **_more: iter(answers))
    typed = {"kind": "book", "title": "Mon titre", "chercher": "978-2-07-036822-8", "nouvelle": TOKEN}
    page = saved(claire, **typed, action="search")
    assert filled(page, "title") == ["Mon titre"] and filled(page, "abstract") == ["Leur résumé."]
    assert "proposé par BnF : Leur titre" in text(page) and "HAL ne répond pas." in text(page)
    kept = [t for t in re.findall(r'name="propose" hidden>\n(.*?)</textarea>', page.text, re.S)]
    again = saved(claire, **typed, propose=[k.replace("&#34;", '"') for k in kept], action="take:0")
    assert filled(again, "title") == ["Leur titre"]
    # « Ne plus proposer »: a habit, kept for that source.
    saved(claire, **typed, action="never:bnf:abstract")
    with base.read() as session:
        assert remembered.read(session, "lookup.habits") == {"bnf": ["abstract"]}
    assert filled(saved(claire, **typed, action="search"), "abstract") == [""]
    # Everybody is down: asked again at night, and the script is told line by line.
    monkeypatch.setattr(looking_up.lookup, "ask", lambda *_args, **_more: iter(answers[1:]))
    streamed = claire.post(
        "/bureau/notices/nouvelle", data=typed | {"action": "search"}, headers={"X-Requested-With": "fetch"}
    )
    lines = [json.loads(line) for line in streamed.text.splitlines()]
    assert lines[0] == {"said": "HAL ne répond pas."} and "nous réessaierons cette nuit" in lines[-1]["page"]
    with base.read() as session:
        assert session.scalars(select(LookupWait.login)).all() == ["claire"]


# --- doubles ---------------------------------------------------------------------------------


def kept_keys(base: db.Database) -> None:
    with base.write() as session:
        while candidates.catch_up(session):
            pass


def test_a_double_is_told_while_typing_and_what_claire_says_of_it_is_kept(
    claire: FlaskClient, base: db.Database
) -> None:
    known = made(claire, **ARTICLE | {"action": "publish", "abstract": ""})
    kept_keys(base)
    typed = ARTICLE | {"title": "Orientation - des lyceens inegaux devant le choix", "abstract": "À moi."}
    told = claire.post("/bureau/doublons", data=typed)
    assert "Très proche" in text(told) and known in told.text
    assert "Très proche" not in text(
        claire.post("/bureau/doublons", data=typed | {"title": "Orientation"} | {"author": ""})
    )
    # Without a script, the same on the page.
    assert "Très proche" in text(saved(claire, **typed, action="doubles"))
    # « C’est la même : compléter »: what was typed goes to its empty fields, nothing is saved before it is asked for.
    answer = saved(claire, **typed, nouvelle=TOKEN, action=f"same:{known}")
    page = claire.get(answer.location)
    assert f"/bureau/notices/{known}?reprendre=1" in answer.location
    assert filled(page, "abstract") == ["À moi."] and filled(page, "title") == [ARTICLE["title"]]
    assert read(base, known).version == 1
    # « Ce n’est pas la même »: said no more, and a judgement once saved.
    page = saved(claire, **typed, action=f"apart:{known}")
    assert "Très proche" not in text(page)
    other = made(claire, **typed, pas_la_meme=known, action="save")
    kept_keys(base)
    with base.read() as session:
        assert session.scalars(select(Judgement.verdict)).all() == ["different"]
    assert "Très proche" not in text(claire.post("/bureau/doublons", data=typed | {"adresse": other}))


def test_what_is_near_is_found_by_number_and_by_title(session: Session) -> None:
    fields = notice("Les quartiers et leurs écoles", field("010", "a", "978-2-07-036822-8"))
    there = notices.create(session, fields, by="claire", status="published")
    candidates.store(session, {there.id: there.fields})
    by_number = form.write([], {"kind": ["book"], "isbn": ["2-07-036822-X"]})
    by_title = form.write([], {"kind": ["book"], "title": ["Les quartiers et leurs ecoles"], "date": ["2021"]})
    for typed in (by_number, by_title):
        assert [one.address for one in alike.find(session, typed)] == [there.address]
        assert alike.find(session, typed, apart=[there.address]) == []
        assert alike.find(session, typed, notice=there) == []
    assert alike.find(session, form.write([], {"title": ["Les quart"]})) == []


# --- names, journals, issues -----------------------------------------------------------------


def test_names_and_journals_of_ours_are_proposed_and_linked(session: Session) -> None:
    batch = history.open_batch(session, "import", by="claire")
    rows = [AgentRow("person", "Martin, Léa", "1"), AgentRow("corporate_body", "Martinique habitat", "2")]
    (lea, _body) = authorities.create_agents(session, rows, batch=batch)
    gazette = notices.create(session, GAZETTE, by="claire", status="published")
    host = field("461", "0", gazette.address, "t", "Gazette des quartiers", "9", "lnk:perio")
    issue = [*form.write([], {"kind": ["issue"], "title": ["Gazette n° 2710"], "number": ["2710"]}), host]
    bulletin = notices.create(session, issue, by="claire", status="published")
    assert [c.label for c in choices.names(session, "person", "léa mart")] == ["Martin, Léa"]
    assert [c.label for c in choices.names(session, "corporate_body", "marti")] == ["Martinique habitat"]
    assert choices.names(session, "person", "m") == []
    assert [c.label for c in choices.journals(session, "quartiers")] == ["Gazette des quartiers"]
    values = {name: [text] if isinstance(text, str) else text for name, text in ARTICLE.items()}
    done = cataloguing.save(session, None, values, by="claire", asked="publish")
    article = notices.find(session, done.address)
    assert article is not None
    links = {(f["t"], code): value for f in article.fields for code, value in f.get("s", ())}
    assert links["461", "0"] == gazette.address and links["463", "0"] == bulletin.address
    assert links["700", "3"] == f"travee:{lea.id}"


# --- the same form, once more ----------------------------------------------------------------


def test_a_form_sent_twice_saves_once_and_never_over_somebody_else(
    app: Flask, claire: FlaskClient, base: db.Database
) -> None:
    typed = ARTICLE | {"nouvelle": TOKEN, "action": "publish"}
    assert saved(claire, **typed).location.endswith("fait=published")
    assert saved(claire, **typed).location.endswith("fait=unchanged"), "a double click"
    assert saved(claire, **typed | {"title": "Corrigé après le bouton Précédent"}).location.endswith("fait=saved")
    signed_in(app, base, "anne", "documentalist").post(
        f"/bureau/notices/{TOKEN}", data=ARTICLE | {"version": "2", "extent": "p. 99", "action": "save"}
    )
    back = saved(claire, **typed | {"title": "Encore autre chose"})
    assert back.status_code == 409 and "Version actuelle" in text(back)
    now = read(base, TOKEN)
    assert (now.version, form.read(now.fields)["extent"]) == (3, ["p. 99"])


def test_a_copy_described_in_the_form_comes_with_the_notice_or_nothing_does(
    claire: FlaskClient, base: db.Database
) -> None:
    first = made(claire, **BOOK | {"cote": "364.4 DUM", "code_barres": "B-1", "action": "publish"})
    refused = saved(
        claire, **BOOK | {"cote": "364.4 DUM", "code_barres": "B-1", "title": "Un autre", "action": "publish"}
    )
    assert refused.status_code == 422 and "B-1" in said(refused)[0] and filled(refused, "cote") == ["364.4 DUM"]
    with base.read() as session:
        assert session.scalars(select(Notice.address)).all() == [first]
        assert session.scalars(select(Item.call_number)).all() == ["364.4 DUM"]


def test_a_resource_for_the_european_portal_is_described_in_english(claire: FlaskClient, base: db.Database) -> None:
    assert 'name="english_title"' not in claire.get("/bureau/notices/nouvelle?modele=rapport").text
    shown = saved(claire, kind="report", title="Accueillir", portal="europe", action="kind")
    assert 'name="english_title"' in shown.text and 'name="english_abstract"' in shown.text
    english = {
        "portal": "europe",
        "english_title": "Welcoming",
        "english_abstract": "A report.",
        "abstract": "Un rapport.",
    }
    address = made(claire, kind="report", title="Accueillir", **english, action="save")
    kept = [(f["t"], f["s"]) for f in read(base, address).fields if f["t"] in ("330", "541")]
    assert kept == [
        ("330", [["a", "Un rapport."]]),
        ("330", [["a", "A report."], ["z", "eng"]]),
        ("541", [["a", "Welcoming"], ["z", "eng"]]),
    ]


# --- bad input -------------------------------------------------------------------------------

WORD = "<p class=MsoNormal><span style='mso-bidi'>Un titre<o:p></o:p></span></p>\x0b\u00ad"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"doi": "10.x/rien", "action": "save"}, ""),
        ({"issue_date": "20224"}, "Écrivez-la sur 4 chiffres, ex. 2024."),
        ({"title": "a" * 3_000}, ""),
        ({"author": [f"Nom{n}, Prénom" for n in range(40)], "author_role": ["070"] * 40}, ""),
        ({"author": ["بن علي, كريم", "Nguyễn, Thị Hoa", "王, 小明"], "author_role": ["070"] * 3}, ""),
        ({"title": WORD}, ""),
        ({"note": "<script>alert(1)</script>"}, ""),
        ({"chercher": "10.1/é " * 900, "action": "search"}, ""),
        ({"chercher": "https://[::1", "action": "enter"}, "n’est pas complète"),
    ],
    ids=["doi", "year", "long", "forty", "scripts", "word", "script", "seek", "url"],
)
def test_odd_values_are_kept_said_and_harmless(
    desk: tuple[FlaskClient, db.Database], typed: dict[str, Any], told: str
) -> None:
    claire, _base = desk
    answer = saved(claire, **ARTICLE | {"action": "publish"} | typed)
    if answer.status_code == 303:
        answer = claire.get(answer.location)
    assert answer.status_code in (200, 422) and len(answer.data) < 60_000
    assert told in text(answer)
    for name in set(typed) & set(filling.names()):
        wanted = [form.one_line(t) for t in ([typed[name]] if isinstance(typed[name], str) else typed[name])]
        assert [t for t in filled(answer, name) if t][: len(wanted)] == wanted or answer.status_code == 422
    assert "<script>alert" not in answer.text


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, empty_folder: Any) -> Iterator[tuple[FlaskClient, db.Database]]:
    """One desk for all the odd values."""
    import shutil

    from catalogue.app import create_app
    from catalogue.config import Settings

    folder = tmp_path_factory.mktemp("odd") / "var"
    shutil.copytree(empty_folder, folder)
    app = create_app(Settings(_env_file=None, data_dir=folder, secret_key="a key for tests", testing=True))
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    base: db.Database = app.extensions["travee"].db
    with base.write() as session:
        users.add(session, "claire", PASSWORD, "documentalist")
    client = app.test_client()
    client.post("/connexion", data={"login": "claire", "password": PASSWORD})
    yield client, base
    app.extensions["travee"].close()


def test_the_scripts_of_the_desk_stay_small() -> None:
    scripts = b"".join((STATIC / name).read_bytes() for name in ("travee.js", "bureau.js"))
    assert len(scripts) < 60_000 and len(gzip.compress(scripts)) < 22_000


# --- what a newcomer met ---------------------------------------------------------------------


def opens_on(page: TestResponse) -> list[str]:
    """The ids of what takes the focus when the page opens."""
    return re.findall(r'id="([\w-]+)"[^>]*? autofocus', page.text)


def asked(client: FlaskClient, text_: str, **more: str) -> TestResponse:
    return client.get("/bureau/notices/nouvelle", query_string={"chercher": text_, "nouvelle": TOKEN, **more})


def test_a_page_opens_on_what_is_left_to_fill_in(claire: FlaskClient) -> None:
    assert opens_on(asked(claire, REFERENCE)) == ["subject"]
    assert opens_on(asked(claire, "978-2-211-04459-0")) == ["chercher"], "nothing came of it: it is typed again"
    answer = saved(claire, **ARTICLE, nouvelle=TOKEN, action="publish_next")
    assert opens_on(claire.get(answer.location)) == ["title"]
    assert opens_on(claire.get("/bureau/notices/nouvelle?modele=rapport")) == ["chercher"]


@pytest.mark.parametrize(
    ("typed", "name", "value", "told"),
    [
        (
            "Le logement des jeunes ouvriers",
            "title",
            "Le logement des jeunes ouvriers",
            "Aucun document trouvé sous ce",
        ),
        ("https://exemple.fr/perdu", "address", "https://exemple.fr/perdu", "Rien trouvé à cette adresse"),
        ("doi:10.5555/Perdu", "doi", "10.5555/perdu", "Rien trouvé pour le DOI 10.5555/perdu"),
        ("2-07-036822-X", "isbn", "9782070368228", "Rien trouvé pour l’ISBN"),
        ("ISSN 0153-9841", "issn", "0153-9841", "Rien trouvé pour l’ISSN 0153-9841"),
    ],
)
def test_what_nobody_knows_enters_its_own_field(
    claire: FlaskClient, monkeypatch: pytest.MonkeyPatch, typed: str, name: str, value: str, told: str
) -> None:
    monkeypatch.setattr(looking_up.lookup, "ask", lambda *_args, **_more: iter([Answer("bnf", "BnF", "nothing")]))
    page = asked(claire, typed)
    assert filled(page, name)[0] == value and told in text(page)
    assert "saisi en haut" in text(page) and "trouvé · saisi" not in text(page)
    # What stands there already is never replaced, nor argued with.
    mine = saved(claire, kind="book", nouvelle=TOKEN, chercher=typed, action="search", **{name: "Le mien"})
    assert filled(mine, name)[0] == "Le mien" and "saisi en haut" not in text(mine)


def test_what_was_asked_makes_way_for_what_is_asked_next(claire: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_up.lookup, "ask", lambda *_args, **_more: iter([Answer("bnf", "BnF", "nothing")]))
    before = {"kind": "book", "title": "Le logment", "trouve_title": "top|saisi en haut", "cherche": "Le logment"}
    sent = before | {"nouvelle": TOKEN, "chercher": "Le logement", "action": "search"}
    assert filled(saved(claire, **sent), "title") == ["Le logement"]
    assert filled(saved(claire, **sent | {"title": "Le logment, revu"}), "title") == ["Le logment, revu"]


def test_what_is_told_of_a_search_is_plain(claire: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found_ = Answer("bnf", "BnF", "found", (notice("Leur titre", field("215", "a", "256 p.")),), "", 0.01)
    gone = Answer("page", "exemple.fr", "nothing", reason="La page n’existe pas à cette adresse (erreur 404).")
    monkeypatch.setattr(looking_up.lookup, "ask", lambda *_args, **_more: iter([found_, gone]))
    page = text(asked(claire, "978-2-07-036822-8"))
    assert "BnF : trouvé" in page and "0 s" not in page and "(erreur 404)" in page
    # « C’est la même : compléter »: what was typed is told as typed, and the copy comes along.
    there = made(claire, **BOOK | {"action": "publish"})
    typed = BOOK | {"title": "Un autre titre", "nouvelle": TOKEN, "cote": "300 NGU", "action": f"same:{there}"}
    page_ = claire.get(saved(claire, **typed).location)
    assert "vous aviez saisi : Un autre titre" in text(page_) and "proposé par" not in text(page_)
    assert filled(page_, "cote") == ["300 NGU"]


def test_a_very_long_title_is_told_once_and_cut_where_it_heads_the_page(claire: FlaskClient, base: db.Database) -> None:
    long = "Sans fin " * 100
    address = made(claire, **BOOK | {"title": f"{long}\ufeffgra\u200btuit", "action": "publish"})
    page = claire.get(f"/bureau/notices/{address}")
    assert text(page).count("Ce titre est très long") == 1
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.S)
    assert heading is not None and len(heading[1]) < 220
    assert read(base, address).title.endswith("gratuit"), "signs that nobody sees part no word"
    assert "Ce titre est très long" not in text(claire.get("/bureau/notices/nouvelle?modele=ouvrage"))


def test_a_form_begun_is_told_with_its_type_and_hour_and_not_in_the_middle_of_work(claire: FlaskClient) -> None:
    claire.post(f"/bureau/formulaires/{TOKEN}", data=BOOK | {"title": "À moitié"})
    assert re.search(r"Ouvrage, saisie pas enregistrée, \d+ \w+ \d{4}, \d\d:\d\d", text(claire.get("/bureau")))
    assert "Vous aviez commencé" in text(claire.get("/bureau/notices/nouvelle?modele=rapport"))
    other = "c000000" + check_character("c000000")
    assert "Vous aviez commencé" not in text(asked(claire, REFERENCE, nouvelle=other))
