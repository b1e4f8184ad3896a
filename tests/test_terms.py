"""What a source allows: said on its page, by command and as a text; obeyed value by value by what goes out."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from catalogue import i18n, notices, proposals, setup, source_terms, sources, terms
from catalogue.commands.records import WRITERS
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.merging import GROUPS
from catalogue.models import Notice, Source
from catalogue.terms import LICENCES, Terms, may_leave
from catalogue.unimarc import Field, Record
from export import leaving, records
from export.leaving import Withheld
from harvest import files
from tests.cast import field
from tests.cast import notice as described
from tests.test_desk import filled, said, text
from tests.test_import_report import Desk, open_desk
from tests.test_proposals import linked, reci, taken_in

THEIRS = described(
    "La ville qui garde",
    field("330", "a", "Un résumé écrit par le partenaire."),
    field("606", "a", "Logement social", ind=" 1"),
)


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


def allow(session: Session, source: Source, resend: str, *withheld: str, licence: str = "") -> None:
    source_terms.put(session, source, Terms(licence, resend, withheld), by="claire")


def out(session: Session, *chosen: Notice, public: bool = True) -> tuple[list[records.Outgoing], Withheld]:
    withheld = Withheld()
    return list(records.load(session, [n.id for n in chosen], public=public, withheld=withheld)), withheld


def tags(notice: records.Outgoing) -> set[str]:
    return {f["t"] for f in notice.fields}


# --- may this value leave? -------------------------------------------------------------------

answers = st.builds(
    Terms,
    resend=st.sampled_from(["yes", "no", "partly"]),
    withheld=st.lists(st.sampled_from(list(GROUPS)), unique=True).map(tuple),
)
tag = st.sampled_from(["001", "101", "200", "215", "225", "330", "461", "606", "700", "856", "900"])


@given(tag, st.dictionaries(st.integers(1, 9), answers, max_size=4), st.booleans())
def test_one_who_allows_is_enough_and_ours_always_leaves(
    tag: str, speakers: dict[int | str, Terms], ours: bool
) -> None:
    value: Field = {"t": tag, "i": "  ", "s": [["a", "x"]], "o": [*(["l"] if ours else []), *speakers]}
    group = next(g for g in GROUPS if g == terms.group_of(tag).code)
    someone = [t for t in speakers.values() if t.resend == "yes" or (t.resend == "partly" and t.withheld)]
    willing = [t for t in someone if group not in t.withheld or t.resend == "yes"]
    assert may_leave(value, speakers) is (ours or not speakers or bool(willing))


def test_a_source_that_says_no_keeps_its_values_and_ours_leave(session: Session) -> None:
    source = reci(session)
    mixed, theirs = taken_in(session, source, "1", THEIRS), taken_in(session, source, "2", described("À eux"))
    ours = notices.create(session, described("À nous"), by="claire", status="published")
    title = field("200", "a", "La ville qui garde, vue d’ici", ind="1 ")
    notices.revise(session, mixed, [*(title if f["t"] == "200" else f for f in mixed.fields)], by="claire")
    allow(session, source, "no")
    went, withheld = out(session, mixed, theirs, ours)
    assert [n.title for n in went] == ["La ville qui garde, vue d’ici", "À nous"]
    assert tags(went[0]) == {"000", "200"}
    assert went[0].year is None, "the year that a list shows is theirs too"
    assert went[0].sources == ()
    assert list(withheld.lines()) == [
        "RECI : 1 notice et 3 valeurs laissées, cette source n’autorise pas la rediffusion."
    ]
    assert withheld.addresses == {theirs.address}
    whole, nothing = out(session, mixed, theirs, ours, public=False)
    assert (len(whole), list(nothing.lines())) == (3, [])
    assert {"210", "330", "606"} <= tags(whole[0])
    assert whole[0].sources[0].title == "La ville qui garde"


def test_not_these_fields_keeps_these_and_no_others(session: Session) -> None:
    source = reci(session)
    theirs = taken_in(session, source, "1", THEIRS)
    allow(session, source, "partly", "abstract", "subjects")
    went, withheld = out(session, theirs)
    assert tags(went[0]) == {"000", "200", "210"}
    assert list(withheld.lines()) == [
        "RECI : 2 valeurs laissées, cette source n’autorise pas la rediffusion de : Sujets, Résumé."
    ]
    allow(session, source, "partly", "title")
    went, withheld = out(session, theirs)
    assert went == [], "a notice without its title is none"
    assert withheld.document() == [
        {"source": "RECI", "resend": "partly", "fields": ["title"], "notices": [theirs.address], "values": 0}
    ]


def test_what_another_source_says_too_and_allows_may_leave(session: Session) -> None:
    mute, open_ = reci(session), reci(session, "ORIV")
    notice = taken_in(session, mute, "1", THEIRS)
    claim = linked(session, open_, "9", notice, [*THEIRS[:3], field("300", "a", "Une note de l’ORIV")])
    (asked,) = proposals.propose(session, claim_ids=[claim])
    proposals.accept(session, [asked.proposal_id or 0], by="claire")
    allow(session, mute, "no")
    went, withheld = out(session, notice)
    assert tags(went[0]) == {"000", "200", "210", "300"}
    assert withheld.values == {"RECI": 2}
    allow(session, open_, "no")
    assert out(session, notice)[0] == []
    assert [s.source for s in out(session, notice, public=False)[0][0].sources] == ["RECI", "ORIV"]


def test_nobody_is_asked_while_no_source_says_anything(session: Session) -> None:
    notice = taken_in(session, reci(session), "1", THEIRS)
    assert leaving.speakers_of(session, [notice]) == {}
    allow(session, reci(session), "yes", licence="CC BY 4.0")
    assert len(leaving.speakers_of(session, [notice])) == 1


# --- what a source says of it -----------------------------------------------------------------


def test_a_change_is_remembered_and_the_rules_of_the_source_stay(session: Session) -> None:
    source = reci(session, rules={"follow": "untouched"})
    allow(session, source, "partly", "abstract", licence="CC BY 4.0")
    allow(session, source, "partly", "abstract", licence="CC BY 4.0")
    allow(session, source, "no")
    assert [(c.by, c.before) for c in source_terms.changes_of(source)] == [
        ("claire", Terms("CC BY 4.0", "partly", ("abstract",))),
        ("claire", Terms("", "unsaid", ())),
    ]
    assert source.rules["follow"] == "untouched"


@given(st.sampled_from([licence.name for licence in LICENCES]) | st.text(max_size=60), answers)
def test_terms_survive_being_written_and_read(licence: str, said: Terms) -> None:
    kept = Terms(terms.licence_name(licence), said.resend, terms.in_order(said.withheld))
    if (kept.resend == "partly") is bool(kept.withheld):
        assert terms.parse_terms(terms.format_terms(kept)) == (kept, [])


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('resend = "perhaps"\n', "Ligne 1 : « perhaps » n’est pas une réponse ; on peut écrire unsaid, yes, no"),
        ('licence = "x"\nresend = "partly"\n', "Dites quels champs ne peuvent pas être redonnés"),
        ('resend = "yes"\nwithheld = ["abstract"]\n', "Des champs sont dits à garder : choisissez"),
        ('resend = "partly"\nwithheld = ["résumé"]\n', "Ligne 2 : « résumé » n’est pas un groupe de champs"),
        ('licence = ["x"]\n', "Ligne 1 : « licence » est un texte"),
        ('withheld = "abstract"\n', "Ligne 1 : écrivez les groupes de champs entre crochets"),
        ('licence = "x"\n\nlicense = "y"\n', "Ligne 3 : « license » n’est pas un nom connu"),
        ("licence = x\n", "Ligne 1 : ce n’est pas écrit comme il faut"),
        ("licence = " + "[" * 5_000, "n’est pas écrit comme il faut"),
        ("#" * 10_001, "trop long"),
    ],
)
def test_what_is_wrong_in_terms_is_told_with_its_line(written: str, told: str) -> None:
    allowed, problems = terms.parse_terms(written)
    assert allowed == Terms()
    assert told in problems[0].message


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("licence ouverte", "Licence Ouverte / Etalab 2.0"),
        ("ETALAB-2.0", "Licence Ouverte / Etalab 2.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0"),
        ("cc-by", "CC BY 4.0"),
        ("  Convention  de 2019 ", "Convention de 2019"),
        ("Inconnue", ""),
    ],
)
def test_a_licence_is_known_however_it_is_written(typed: str, kept: str) -> None:
    assert terms.licence_name(typed) == kept


LICENSED = ("unimarc", "marcxml", "marc21", "pmbxml", "csv", "xlsx", "jsonl")  # at least

# --- out into the world ------------------------------------------------------------------------


@pytest.fixture
def travee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The `travee` command beside a base that holds one notice of RECI, whose summary stays, and one of ORIV."""
    from catalogue.cli import main

    monkeypatch.setenv("TRAVEE_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRAVEE_LANGUAGE", "fr")
    monkeypatch.chdir(tmp_path)
    setup.init(Settings(_env_file=None, data_dir=tmp_path / "var"))

    def run(*words: object) -> Result:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    base = Database(Settings(_env_file=None, data_dir=tmp_path / "var").url)
    with base.write() as session:
        taken_in(session, reci(session), "1", THEIRS)
        taken_in(session, reci(session, "ORIV"), "2", described("Une étude de l’ORIV"))
    base.close()
    yield run
    i18n.set_language("fr")


def test_every_public_format_leaves_it_behind_and_tells_the_licence(travee: Any, tmp_path: Path) -> None:
    assert travee("source", "terms", "RECI", "--licence", "etalab", "--withhold", "abstract").exit_code == 0
    assert travee("source", "terms", "ORIV", "--resend", "no").exit_code == 0
    for format_ in sorted(WRITERS.keys() - {"docx", "pdf"}):  # made of the same notices as the html
        done = travee("export", "--format", format_, "--public", "-o", f"out.{format_}")
        assert (done.exit_code, "1 notice écrite" in done.output) == (0, True), (format_, done.output)
        assert "RECI : 1 valeur laissée, cette source n’autorise pas la rediffusion de : Résumé." in done.output
        assert "ORIV : 1 notice laissée, cette source n’autorise pas la rediffusion." in done.output
        written = (tmp_path / f"out.{format_}").read_bytes()
        if format_ == "xlsx":
            sheet = load_workbook(io.BytesIO(written)).active
            written = " ".join(str(c) for row in sheet.iter_rows(values_only=True) for c in row).encode()  # type: ignore[union-attr]
        assert "écrit par le partenaire".encode() not in written, format_
        assert b"ORIV" not in written, format_
        licence = "Données de RECI : Licence Ouverte / Etalab 2.0, https://www.etalab.gouv.fr".encode()
        assert licence in written or format_ not in LICENSED, format_
        whole = travee("export", "--format", format_, "-o", f"all.{format_}")
        assert "2 notices écrites" in whole.output and "laissée" not in whole.output
        assert "Données de RECI".encode() not in (tmp_path / f"all.{format_}").read_bytes()
    (record,) = [r for r in files.read(tmp_path / "out.unimarc") if isinstance(r, Record)]
    assert [f["t"] for f in record.fields].count("830") == 1
    marc = (tmp_path / "out.marc21").read_bytes()
    assert b"588" in marc[24:200] and b"540" not in marc[24:200]
    tree = etree.parse(tmp_path / "out.marcxml")
    assert len(tree.findall("{*}record")) == 1
    line = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert [s["licence"] for s in line["sources"]] == ["Licence Ouverte / Etalab 2.0"]


def test_a_notice_that_was_asked_for_by_name_and_stays_is_told_to_a_script(travee: Any) -> None:
    travee("source", "terms", "ORIV", "--resend", "no")
    wanted = [json.loads(line)["id"] for line in travee("export", "--format", "jsonl").output.splitlines()]
    done = travee("export", "--format", "csv", "--public", "--ids", ",".join(wanted), "-o", "a.csv", "--json")
    document = json.loads(done.output)
    assert (done.exit_code, document["written"]) == (3, 1)
    assert document["withheld"] == [
        {"source": "ORIV", "resend": "no", "fields": [], "notices": [wanted[1]], "values": 0}
    ]


def test_terms_are_said_and_read_by_command(travee: Any, tmp_path: Path) -> None:
    added = travee("source", "add", "COSOTER", "http://exemple.fr/oai", "--resend", "partly")
    assert added.exit_code == 2 and "Dites quels champs" in added.output
    added = travee("source", "add", "COSOTER", "http://exemple.fr/oai", "--resend", "partly", "--withhold", "abstract")
    assert added.exit_code == 0
    assert "Peut être redonnée   oui, sauf Résumé" in travee("source", "show", "COSOTER").output
    shown = travee("source", "terms", "RECI").output
    assert shown == 'licence = ""\nresend = "unsaid"       # pas encore dit (d’ici là, comme « oui »)\n'
    (tmp_path / "reci.toml").write_text('licence = "cc0"\nresend = "no"\n', "utf-8")
    assert "C’est enregistré." in travee("source", "terms", "RECI", "--file", "reci.toml", "--by", "claire").output
    document = json.loads(travee("source", "terms", "RECI", "--json").output)
    assert (document["licence"], document["resend"], document["changed"]) == ("CC0 1.0", "no", False)
    assert document["changes"][0]["by"] == "claire"
    (tmp_path / "reci.toml").write_text('resend = "peut-être"\n', "utf-8")
    assert travee("source", "terms", "RECI", "--file", "reci.toml").exit_code == 2


# --- on its page ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("desk"))


def test_claire_says_what_a_source_allows(desk: Desk) -> None:
    claire = desk.claire
    with desk.base.write() as session:
        sources.for_file(session, "RECI")
    page = claire.get("/bureau/sources/RECI")
    assert "Licence inconnue" in text(page) and "Peut-on redonner ses notices ? pas encore dit" in text(page)
    address = "/bureau/sources/RECI/licence"
    form = claire.get(address)
    assert filled(form, "garder") == list(GROUPS)
    wrong = claire.post(address, data={"redonner": "partly", "licence": "autre", "autre_licence": "Convention"})
    assert wrong.status_code == 422
    assert said(wrong) == ["Dites quels champs ne peuvent pas être redonnés, ou choisissez « oui »."]
    assert filled(wrong, "autre_licence") == ["Convention"]
    sent = {"redonner": "partly", "licence": "", "autre_licence": "cc by", "garder": ["abstract", "subjects"]}
    saved = claire.post(address, data=sent, follow_redirects=True)
    assert "C’est enregistré." in text(saved)
    assert "Modifié par claire · avant : inconnue ; pas encore dit" in text(saved)
    shown = claire.get("/bureau/sources/RECI")
    assert "CC BY 4.0" in text(shown) and "oui, sauf Sujets, Résumé" in text(shown)
    assert 'href="https://creativecommons.org/licenses/by/4.0/"' in shown.get_data(as_text=True)
    bad = claire.post(address, data={"action": "text", "texte": 'resend = "non"'})
    assert (bad.status_code, said(bad)[0][:9]) == (422, "Ligne 1 :")
    assert "Rien n’a changé" in text(claire.post(address, data=sent, follow_redirects=True))
    assert claire.post("/bureau/sources/Personne/licence", data=sent).status_code == 404
    assert desk.marc.get(address).status_code == 403


def test_a_notice_says_what_each_of_its_sources_allows(desk: Desk) -> None:
    with desk.base.write() as session:
        source = reci(session, "ORIV")
        allow(session, source, "no", licence="CC BY-NC 4.0")
        notice = taken_in(session, source, "1", THEIRS)
    page = text(desk.claire.get(f"/bureau/notices/{notice.address}/historique"))
    assert "Licence : CC BY-NC 4.0 · Peut-on redonner ses notices ? non" in page
