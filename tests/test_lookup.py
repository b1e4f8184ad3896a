"""What is pasted into « Cataloguer » is understood, and the outside sources are asked: right, slow, broken, hostile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from catalogue import asking_again, cli, form, inbox, kept_forms, remembered
from catalogue.i18n import use_language
from catalogue.models import LookupWait
from demo import sources_server
from demo.sources_server import RunningSources
from harvest import lookup
from harvest.lookup import Answer, Trouble, page, sru, understand
from harvest.lookup.asking import cleaned
from harvest.lookup.door import Fetched
from harvest.lookup.names import person
from harvest.lookup.services import to_fields

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSources]:
    with sources_server.serve() as served:
        yield served


@pytest.fixture
def outside(running: RunningSources) -> RunningSources:
    running.faults = {}
    running.app.asked.clear()
    return running


def asked(outside: RunningSources, text: str, limit: float = 3.0) -> dict[str, Answer]:
    return {a.source: a for a in lookup.ask(understand(text), lookup.sources(outside.settings), limit=limit)}


def values(answer: Answer) -> form.Values:
    return form.read(answer.records[0])


# --- what was meant --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("9782499999010", "isbn", "9782499999010"),
        ("ISBN : 978-2-499-99901-0", "isbn", "9782499999010"),
        ("978 2 499 99901 0.", "isbn", "9782499999010"),
        ("978‑2‑499‑99901‑0", "isbn", "9782499999010"),
        ("2-211-04459-X", "isbn", "9782211044592"),
        ("0000-0116", "issn", "0000-0116"),
        ("ISSN 00000116", "issn", "0000-0116"),
        ("10.5555/ABC.12", "doi", "10.5555/abc.12"),
        ("doi:10.5555/abc", "doi", "10.5555/abc"),
        ("DOI 10.5555/abc", "doi", "10.5555/abc"),
        ("https://doi.org/10.5555%2Fabc", "doi", "10.5555/abc"),
        ("http://dx.doi.org/10.5555/abc.", "doi", "10.5555/abc"),
        ("<https://exemple.org/a?b=c>", "url", "https://exemple.org/a?b=c"),
        ("www.exemple.fr/rapport.pdf", "url", "https://www.exemple.fr/rapport.pdf"),
        ("La ville (1960-1970)", "title", "La ville (1960-1970)"),
        ("  Un  titre\nsur deux lignes ", "title", "Un titre sur deux lignes"),
        ("1984", "title", "1984"),
        ("20240318", "title", "20240318"),
        ("<script>alert(1)</script> Ville", "title", "Ville"),
        ("حي شعبي", "title", "حي شعبي"),
    ],
)
def test_what_is_pasted_is_understood(text: str, kind: str, value: str) -> None:
    found = understand(text)
    assert (found.kind, found.value) == (kind, value)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("978-2-499-99901-5", "isbn", "Cet ISBN n’existe pas : « 978-2-499-99901-5 »"),
        ("ISBN 12345678901", "isbn", "Cet ISBN n’existe pas"),
        ("0000-0117", "issn", "Cet ISSN n’existe pas"),
        ("https://doi.org/abc", "doi", "Ce DOI n’est pas possible : « abc »"),
        ("10.5/abc", "doi", "Ce DOI n’est pas possible"),
        ("doi: 10.5555/", "doi", "Ce DOI n’est pas possible"),
        ("https://exemple", "url", "Cette adresse n’est pas complète"),
        ("https://moi:secret@exemple.org/", "url", "Cette adresse n’est pas complète"),
        ("", "title", "Collez un ISBN"),
        ("…", "title", "Écrivez au moins trois lettres"),
    ],
)
def test_what_is_impossible_is_said_and_nobody_is_asked(
    outside: RunningSources, text: str, kind: str, said: str
) -> None:
    found = understand(text)
    assert (found.kind, found.possible) == (kind, False)
    assert found.said.startswith(said)
    assert asked(outside, text) == {} and outside.app.asked == []


def test_a_long_text_is_a_title_of_reasonable_length() -> None:
    assert len(understand("ville " * 3000).value) <= 300


@settings(max_examples=30)
@given(st.text(max_size=60) | st.from_regex(r"(https?://|doi:|10\.|ISBN |97)[-\d./:@\[\]a-z%]{0,30}"))
def test_whatever_is_pasted_is_a_question_or_a_reason(text: str) -> None:
    found = understand(text)
    assert found.said and found.kind in ("isbn", "issn", "doi", "url", "title")
    assert not any(source.answers(found) for source in lookup.sources()) or found.possible


# --- each source, in its own protocol --------------------------------------------------------


def test_a_book_comes_from_bnf_and_sudoc_as_unimarc(outside: RunningSources) -> None:
    found = asked(outside, "978-2-499-99901-0")
    assert {code: a.state for code, a in found.items()} == {"bnf": "found", "sudoc": "found"}
    bnf, sudoc = values(found["bnf"]), values(found["sudoc"])
    assert bnf["kind"] == ["book"] and bnf["title"] == ["Habiter les bords"]
    assert bnf["author"] == ["Sorel, Mathilde", "Benhamida, Karim"]
    assert (bnf["publisher"], bnf["place"], bnf["date"]) == (["Éditions du Bief"], ["Roubaix"], ["2021"])
    assert bnf["extent"] == ["214 p."]
    assert sudoc["publisher"] == ["Le Bief"] and sudoc["date"] == ["DL 2021"]
    by_code = {code: args for code, _path, args in outside.app.asked}
    assert by_code["bnf"]["query"] == 'bib.isbn any "9782499999010 2499999012"'
    assert (by_code["bnf"]["version"], by_code["bnf"]["recordSchema"]) == ("1.2", "unimarcXchange")
    assert by_code["sudoc"]["query"] == "isb=9782499999010"
    assert (by_code["sudoc"]["version"], by_code["sudoc"]["maximumRecords"]) == ("1.1", "10")


def test_an_article_comes_from_crossref_and_hal_and_datacite_does_not_know_it(outside: RunningSources) -> None:
    found = asked(outside, "https://doi.org/10.5555/CVM.2023.0042")
    assert {code: a.state for code, a in found.items()} == {"crossref": "found", "hal": "found", "datacite": "nothing"}
    article = values(found["crossref"])
    assert article["kind"] == ["article"] and article["journal"] == ["Cahiers des villes moyennes"]
    assert (article["issue_number"], article["issue_date"]) == (["vol. 19, n° 2"], ["2023-06-15"])
    assert article["extent"] == ["p. 45-62"] and article["publisher"] == []
    assert article["abstract"][0].startswith("Les conseils citoyens") and "jats" not in article["abstract"][0]
    assert values(found["hal"])["author"] == ["Lemoine, Élise", "Traoré, Awa"]


def test_openedition_knows_its_doi_and_its_addresses(outside: RunningSources) -> None:
    by_doi = asked(outside, "10.4000/essai.1789")
    assert by_doi["openedition"].state == by_doi["crossref"].state == "found"
    assert values(by_doi["openedition"])["journal"] == ["Essais d’éducation populaire"]
    assert "openedition" not in asked(outside, "10.5555/cvm.2023.0042")
    row = next(s for s in lookup.sources(outside.settings) if s.code == "openedition")
    question = understand("https://journals.openedition.org/essai/1789")
    (answer,) = lookup.ask(question, [row])
    assert values(answer)["title"] == ["L’école du quartier vue par les parents"]


def test_a_report_and_a_thesis_are_what_they_are(outside: RunningSources) -> None:
    report = values(asked(outside, "10.5555/rapport.2024.7")["datacite"])
    assert (report["kind"], report["body"]) == (["report"], ["Observatoire du logement des Flandres"])
    thesis = asked(outside, "Les centres sociaux et la politique de la ville")
    assert values(thesis["hal"])["kind"] == ["thesis"]
    assert values(thesis["hal"])["thesis_institution"] == ["Université de la Côte"]
    assert thesis["crossref"].state == "nothing"  # it gave what comes nearest, which is something else


def test_a_journal_is_found_by_its_issn_and_a_book_by_its_title(outside: RunningSources) -> None:
    journal = asked(outside, "ISSN 0000-0116")
    assert {code for code, a in journal.items() if a.state == "found"} == {"bnf", "sudoc", "crossref"}
    assert all(values(a)["kind"] == ["serial"] for a in journal.values())
    titled = asked(outside, "La médiation sociale en pratiques")
    assert values(titled["bnf"])["title"] == ["La médiation sociale en pratiques"]
    queries = [args["query"] for code, _path, args in outside.app.asked if code == "sudoc"]
    assert queries[-1] == 'mti="la" and mti="mediation" and mti="sociale" and mti="en" and mti="pratiques"'


def test_crossref_is_told_whom_to_write_to(outside: RunningSources) -> None:
    known = lookup.sources(outside.settings)
    list(lookup.ask(understand("10.5555/cvm.2023.0042"), known, mail="doc@exemple.org"))
    assert next(args for code, _path, args in outside.app.asked if code == "crossref") == {"mailto": "doc@exemple.org"}


# --- a page ----------------------------------------------------------------------------------


def test_a_newspaper_page_is_a_press_article(outside: RunningSources) -> None:
    found = asked(outside, f"{outside.url}/pages/presse/orientation?utm_source=lettre")["page"]
    article = values(found)
    assert found.label == "127.0.0.1"
    assert article["kind"] == ["press_article"]
    assert article["title"] == ["Orientation : des lycéens inégaux devant les vœux"]
    assert (article["journal"], article["issue_number"]) == (["La Gazette des Hauts"], ["2710"])
    assert (article["issue_date"], article["extent"]) == (["2024-03-18"], ["p. 22-24"])
    assert article["author"] == ["Martin, Léa"]
    assert article["abstract"][0].startswith("Dans trois lycées")
    assert article["address"] == [f"{outside.url}/pages/presse/orientation"]


def test_a_journal_page_says_citation_and_a_blog_open_graph(outside: RunningSources) -> None:
    article = values(asked(outside, f"{outside.url}/pages/revue/article")["page"])
    assert article["author"] == ["Nguyễn, Thị Lan", "Haddad, Samir"]
    assert (article["kind"], article["extent"], article["issue_date"]) == (["article"], ["p. 9-27"], ["2024-02-01"])
    billet = values(asked(outside, f"{outside.url}/pages/blog/billet")["page"])
    assert (billet["kind"], billet["publisher"]) == (["web_page"], ["Centre social des Deux-Rives"])


def read(body: bytes | str, charset: str = "", type_: str = "text/html") -> form.Values:
    raw = body if isinstance(body, bytes) else body.encode()
    return form.read(cleaned(page.read(Fetched(raw, type_, charset, "https://exemple.org/a"))[0]))


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ('<meta charset="iso-8859-1"><title>L\u2019été à Œuilly</title>'.encode("cp1252"), ""),
        ("<title>L’été à Œuilly</title>".encode("cp1252"), "ISO-8859-1"),
        ("<title>L’été à Œuilly</title>".encode("cp1252"), "utf-8"),  # who says so is wrong
        ("<title>L’été à Œuilly</title>".encode(), ""),
        ("<title>L’été à Œuilly</title>".encode("utf-16"), ""),
        ("<title>L’été à Œuilly</title>".encode(), "base64"),
    ],
)
def test_the_charset_of_a_page_is_found(body: bytes, charset: str) -> None:
    assert read(body, charset)["title"] == ["L’été à Œuilly"]


def test_a_page_is_cleaned_of_what_is_no_text() -> None:
    found = read(
        '<meta name="citation_title" content="Un &lt;b&gt;titre&lt;/b&gt;\u0000&#7; \u202eà l’envers">'
        '<meta property="og:description" content="&lt;script&gt;alert(1)&lt;/script&gt;Un résumé">'
        '<link rel="canonical" href="javascript:alert(1)">'
    )
    assert found["title"] == ["Un titre à l’envers"]
    assert found["abstract"] == ["Un résumé"]
    assert found["address"] == ["https://exemple.org/a"]


@pytest.mark.parametrize(
    "script",
    [
        "{",
        "[" * 100_000,
        '{"@type": 5}',
        "[null, 3]",
        '{"@graph": {"@graph": []}}',
        '{"@type":"Article","headline":{}}',
    ],
)
def test_broken_json_ld_leaves_the_rest_of_the_page(script: str) -> None:
    found = read(f'<title>Un titre</title><script type="application/ld+json">{script}</script>')
    assert found["title"] == ["Un titre"]


def test_json_ld_in_other_shapes_is_read() -> None:
    book = {
        "@type": ["Product", "Book"],
        "name": "Un livre",
        "author": "Awa Traoré et Simon de La Tour",
        "isbn": "978-2-499-99901-0",
        "publisher": {"@type": "Organization", "name": "Le Bief"},
        "datePublished": 2021,
    }
    found = read(f'<script type="application/ld+json">[{json.dumps(book)}]</script>')
    assert (found["kind"], found["isbn"]) == (["book"], ["9782499999010"])
    assert found["author"] == ["Traoré, Awa", "de La Tour, Simon"]
    assert (found["publisher"], found["date"]) == (["Le Bief"], ["2021"])


@pytest.mark.parametrize(
    ("body", "type_", "code"),
    [
        (b"%PDF-1.4", "application/pdf", "not_html"),
        (b"<p>rien", "text/html", "silent_page"),
        (b"", "text/html", "silent_page"),
        (b"<" * 600_000, "text/html", "too_big"),
    ],
)
def test_a_page_that_says_nothing_is_said(body: bytes, type_: str, code: str) -> None:
    with pytest.raises(Trouble) as told:
        read(body, type_=type_)
    assert told.value.code == code


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Léa Martin", {"family": "Martin", "given": "Léa"}),
        ("Martin, Léa", {"family": "Martin", "given": "Léa"}),
        ("Par Jean-Pierre de La Tour", {"family": "de La Tour", "given": "Jean-Pierre"}),
        ("INSEE", {"literal": "INSEE"}),
        ("La rédaction", {}),
        ("https://exemple.org/auteur", {}),
        ("阮氏蘭", {"family": "阮氏蘭"}),
    ],
)
def test_names_are_cut_where_they_can_be(text: str, name: dict[str, str]) -> None:
    assert person(text) == name


# --- when something is wrong -----------------------------------------------------------------

FAULTS = [
    ("bnf", "down", "down", "ne répond pas"),
    ("bnf", "500", "down", "en panne de son côté (erreur 500)"),
    ("bnf", "429", "down", "demande d’attendre"),
    ("bnf", "503", "down", "demande d’attendre"),
    ("bnf", "403", "wrong", "refuse de répondre"),
    ("bnf", "cut", "down", "au milieu de sa réponse"),
    ("bnf", "html", "wrong", "XML lisible"),
    ("bnf", "empty", "wrong", "XML lisible"),
    ("bnf", "entity", "wrong", "forme inattendue"),
    ("bnf", "shape_xml", "wrong", "forme inattendue"),
    ("bnf", "big", "wrong", "dépasse 3 Mo"),
    ("bnf", "bomb", "wrong", "dépasse 3 Mo"),
    ("bnf", "diagnostic", "wrong", "« bib.rien : Index inconnu »"),
    ("bnf", "redirect:https://exemple.org/", "wrong", "renvoie vers une autre adresse (exemple.org)"),
]


@pytest.mark.parametrize(("code", "fault", "state", "words"), FAULTS)
def test_what_is_wrong_with_a_source_is_told_and_the_others_answer(
    outside: RunningSources, code: str, fault: str, state: str, words: str
) -> None:
    outside.faults = {code: fault}
    found = asked(outside, "9782499999010")
    assert (found[code].state, found[code].records) == (state, ())
    assert words in found[code].reason and found[code].label in found[code].reason
    assert found["sudoc"].state == "found"


@pytest.mark.parametrize("fault", ["html", "empty", "shape", "500"])
def test_services_that_answer_no_json_are_told(outside: RunningSources, fault: str) -> None:
    outside.faults = dict.fromkeys(("crossref", "hal", "datacite", "openedition"), fault)
    found = asked(outside, "10.4000/essai.1789")
    expected = "down" if fault == "500" else "wrong"
    assert {a.state for code, a in found.items() if code != "openedition"} == {expected}
    assert found["openedition"].state == ("nothing" if fault == "shape" else expected)  # an item without a title


def test_sentences_are_in_the_language_of_the_page(outside: RunningSources) -> None:
    outside.faults = {"bnf": "500"}
    with use_language("en"):
        assert asked(outside, "9782499999010")["bnf"].reason != ""


def test_a_slow_source_is_late_and_its_connection_is_cut(outside: RunningSources) -> None:
    outside.faults = {"bnf": "slow:6", "sudoc": "drip:6"}
    began = time.monotonic()
    known = lookup.sources(outside.settings)
    came = list(lookup.ask(understand("0000-0116"), known, limit=0.8))
    assert time.monotonic() - began < 4
    assert came[0].source == "crossref"  # as they come
    assert {a.source: a.state for a in came} == {"crossref": "found", "bnf": "late", "sudoc": "late"}
    assert came[1].reason == "BnF n’a pas répondu à temps."
    deadline = time.monotonic() + 3
    while any(t.name.startswith("travee-ask") for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [t for t in threading.enumerate() if t.name.startswith("travee-ask")]  # the drip was not waited for


def test_who_stops_listening_leaves_nothing_behind(outside: RunningSources) -> None:
    outside.faults = {"bnf": "drip:9"}
    answers = lookup.ask(understand("9782499999010"), lookup.sources(outside.settings), limit=3)
    assert next(answers).source == "sudoc"
    answers.close()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 2
    while any(t.name == "travee-ask-bnf" for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [t for t in threading.enumerate() if t.name == "travee-ask-bnf"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://localhost/x",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0x7f000001/",
        "http://10.0.0.1/",
        "http://100.64.0.1/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_a_typed_address_never_reaches_our_own_network(outside: RunningSources, url: str) -> None:
    question = lookup.Question("url", url, "")
    (found,) = lookup.ask(question, lookup.sources(outside.settings), limit=2, allow_private=True)
    assert (found.source, found.state) == ("page", "wrong")
    assert "réseau privé" in found.reason


def test_a_private_source_is_asked_only_when_somebody_has_said_so(outside: RunningSources) -> None:
    row = {code: {**one, "local": False} for code, one in outside.settings.items()}
    found = {a.source: a for a in lookup.ask(understand("9782499999010"), lookup.sources(row))}
    assert {a.state for a in found.values()} == {"wrong"} and outside.app.asked == []


def test_a_page_that_leads_from_a_local_server_to_another_is_not_followed(outside: RunningSources) -> None:
    outside.faults = {"page": "redirect:http://127.0.0.1:1/secret"}
    assert asked(outside, f"{outside.url}/pages/blog/billet")["page"].state == "wrong"


def test_settings_switch_sources_off_and_nonsense_is_as_if_not_set() -> None:
    row = {"bnf": {"on": False}, "sudoc": {"address": "pas une adresse", "local": "oui"}, "hal": 3, "autre": {}}
    known = {s.code: s for s in lookup.sources(row)}
    assert not known["bnf"].answers(understand("9782499999010"))
    assert known["sudoc"].address == "https://www.sudoc.abes.fr/cbs/sru/" and not known["sudoc"].local
    assert [s.code for s in lookup.sources("n’importe quoi")] == list(known)  # type: ignore[arg-type]


def test_a_record_that_is_no_unimarc_is_no_answer() -> None:
    raw = b"""<r:searchRetrieveResponse xmlns:r="http://www.loc.gov/zing/srw/"><r:numberOfRecords>1</r:numberOfRecords>
    <r:records><r:record><r:recordData><record><leader>00000nam</leader></record></r:recordData></r:record></r:records>
    </r:searchRetrieveResponse>"""
    with pytest.raises(Trouble, match="shape"):
        sru.read(raw)


def test_a_service_that_answers_a_list_of_anything_is_a_wrong_shape() -> None:
    with pytest.raises(Trouble, match="shape"):
        to_fields(["texte"])


# --- IdRef -----------------------------------------------------------------------------------


def test_idref_gives_namesakes_with_their_dates(outside: RunningSources) -> None:
    where: dict[str, Any] = {"address": f"{outside.url}/idref", "allow_private": True}
    found = lookup.idref("Léa Martin", kind="person", **where)
    assert [(one.ppn, one.name, one.dates) for one in found] == [
        ("999000004", "Martin, Léa", "1978-...."),
        ("999000012", "Martin, Léa", "18..-1925"),
    ]
    told = lookup.idref_record("999000012", **where)
    assert told is not None and told.note == "Institutrice" and told.dates == "18..-1925"
    assert lookup.idref("Martin", kind="body", **where) == []
    assert lookup.idref_record("999000020", **where) is None
    assert lookup.idref_record("123456789", **where) is None  # no such number: not even asked


def test_idref_says_what_is_wrong(outside: RunningSources) -> None:
    outside.faults = {"idref": "empty"}
    with pytest.raises(Trouble) as told:
        lookup.idref("Martin", address=f"{outside.url}/idref", allow_private=True)
    assert "IdRef" in told.value.sentence("IdRef")
    with pytest.raises(Trouble, match="private"):
        lookup.idref("Martin", address=f"{outside.url}/idref")


# --- asking again ----------------------------------------------------------------------------

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)


def late(source: str = "bnf") -> Answer:
    return Answer(source, "BnF", "late")


def test_a_question_waits_for_the_night_once(quick_session: Session) -> None:
    asking = understand("9782499999010")
    assert asking_again.remember(quick_session, asking, by="claire", failed=[]) is None
    for failed in (["bnf"], ["sudoc", "bnf"]):
        asking_again.remember(quick_session, asking, by="claire", failed=failed, at=MONDAY)
    assert asking_again.due(quick_session, MONDAY + timedelta(hours=6), PARIS) == []
    (due,) = asking_again.due(quick_session, MONDAY + timedelta(days=1), PARIS)
    assert (due.question, due.failed) == ("9782499999010", ("bnf", "sudoc"))
    asking_again.take(quick_session, due.id, [late()], at=MONDAY + timedelta(days=1))
    assert asking_again.due(quick_session, MONDAY + timedelta(days=1, hours=6), PARIS) == []
    assert len(asking_again.due(quick_session, MONDAY + timedelta(days=2), PARIS)) == 1


def test_after_five_nights_it_is_given_up_and_said(quick_session: Session) -> None:
    row = asking_again.remember(quick_session, understand("0000-0116"), by="claire", failed=["bnf"], at=MONDAY)
    assert row is not None
    for night in range(1, asking_again.NIGHTS + 1):
        assert inbox.count_inbox(quick_session).get("lookup", 0) == 0
        asking_again.take(quick_session, row.id, [late()], at=MONDAY + timedelta(days=night))
    assert asking_again.due(quick_session, MONDAY + timedelta(days=9), PARIS) == []
    (entry,) = inbox.list_inbox(quick_session, kinds=["lookup"])
    assert entry.what == "0000-0116" and "n’est plus posée" in entry.detail
    asking_again.settle(quick_session, row)
    assert inbox.list_inbox(quick_session, kinds=["lookup"]) == []


def test_what_nobody_knows_is_given_up_at_once(quick_session: Session) -> None:
    row = asking_again.remember(quick_session, understand("0000-0116"), by="claire", failed=["bnf"], at=MONDAY)
    assert row is not None
    asking_again.take(quick_session, row.id, [Answer("bnf", "BnF", "nothing")], at=MONDAY + timedelta(days=1))
    assert (row.state, row.failed) == ("given_up", [])


def test_the_night_fills_the_form_that_was_left(app: Flask, claire: FlaskClient, outside: RunningSources) -> None:
    """Claire asked while both were down; the night finds it; she opens the form with what was found."""
    travee = app.extensions["travee"]
    asking = understand("9782499999010")
    with travee.db.write() as session:
        remembered.write(session, lookup.SETTING, outside.settings)
        asking_again.remember(
            session, asking, by="claire", failed=["bnf"], at=MONDAY - timedelta(days=9), notice_address=""
        )
    outside.faults = {"bnf": "500"}
    travee.harvest_once()
    with travee.db.read() as session:
        assert [row.tries for row in session.query(LookupWait)] == [1]
    outside.faults = {}
    with travee.db.write() as session:
        row = session.query(LookupWait).one()
        row.tried_at = MONDAY
    assert lookup.ask_again(travee.db, travee.settings) == 1
    listed = claire.get("/bureau/a-revoir").text
    assert "Recherches faites la nuit" in listed and "trouvé : BnF" in listed
    page_of = claire.get(f"/bureau/a-revoir/recherches/{row.id}").text
    assert "Habiter les bords" in page_of and "Ouvrir la fiche avec ces propositions" in page_of
    answer = claire.post(f"/bureau/a-revoir/recherches/{row.id}", data={"action": "open"})
    assert answer.status_code == 303 and "reprendre=1" in answer.location
    with travee.db.read() as session:
        (kept,) = kept_forms.list_new(session, "claire")
        assert kept.content["title"] == ["Habiter les bords"] and kept.content["trouve_title"] == ["bnf|BnF"]
    assert claire.get(f"/bureau/a-revoir/recherches/{row.id}").status_code == 404


def test_the_command_line_asks_too(app: Flask, outside: RunningSources, monkeypatch: pytest.MonkeyPatch) -> None:
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        remembered.write(session, lookup.SETTING, outside.settings)
    monkeypatch.setenv("TRAVEE_DATA_DIR", str(travee.settings.data_dir))
    outside.faults = {"sudoc": "500"}
    told = CliRunner().invoke(cli.main, ["lookup", "9782499999010", "--json"])
    document = json.loads(told.stdout)
    assert told.exit_code == 3  # Sudoc did not answer
    assert {a["source"]: a["state"] for a in document["answers"]} == {"bnf": "found", "sudoc": "down"}
    assert document["proposals"]["title"] == {"values": {"title": ["Habiter les bords"]}, "sources": ["bnf"]}
    with travee.db.write() as session:
        row = asking_again.remember(session, understand("0000-0132"), by="claire", failed=["bnf"], at=MONDAY)
        asking_again.take(session, row.id, [Answer("bnf", "BnF", "nothing")], at=MONDAY)  # type: ignore[union-attr]
    assert CliRunner().invoke(cli.main, ["inbox", "refuse", "q-1"]).exit_code == 0
    assert CliRunner().invoke(cli.main, ["inbox", "refuse", "q-1"]).exit_code == 1
    plain = CliRunner().invoke(cli.main, ["lookup", "978-2-499-99901-5"])
    assert plain.exit_code == 1 and "Cet ISBN n’existe pas" in plain.output
