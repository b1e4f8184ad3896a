"""A source's rules and terms stand in one value: nobody's change is lost to somebody who had opened a page before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session

from catalogue import source_rules, source_terms, sources
from catalogue.db import Database
from catalogue.models import Source
from catalogue.source_rules import Stale
from catalogue.terms import NO, PARTLY, UNSAID, YES, Terms, allows
from tests.test_desk import filled, text
from tests.test_import_report import Desk, open_desk
from tests.test_proposals import reci

TABLE = {"all": {"updates": "accept"}}


@pytest.fixture
def session(quick_session: Session) -> Session:
    return quick_session


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("desk"))


WRITES: dict[str, Callable[[Session, Source], object]] = {
    "a table": lambda session, source: source_rules.put(session, source, {"all": {"adds": "accept"}}, by="marc"),
    "for ever": lambda session, source: source_rules.always(session, source, {("title", "update"): "ours"}, by="marc"),
    "struck": lambda session, source: source_rules.strike(session, source, "all", "updates", by="marc"),
    "terms": lambda session, source: source_terms.put(session, source, Terms("", PARTLY, ("abstract",)), by="marc"),
}


@pytest.mark.parametrize("how", WRITES)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite has one writer, from its first word on
def test_what_another_session_wrote_meanwhile_stays(database: Database, how: str) -> None:
    with database.write() as session:
        source_rules.put(session, reci(session), TABLE, by="claire")
    marcs = database.write_session()
    before = sources.find(marcs, "RECI")  # what it has read it would write back
    assert before is not None and source_rules.of_source(before) == TABLE
    with database.write() as claires:
        source_terms.put(claires, reci(claires), Terms(resend=NO), by="claire")
        source_rules.always(claires, reci(claires), {("subjects", "update"): "ours"}, by="claire")
    WRITES[how](marcs, before)
    marcs.commit()
    marcs.close()
    with database.read() as session:
        source = reci(session)
        assert [c.by for c in source_rules.changes_of(source)][-2:] == ["claire", "claire"]
        assert [c.by for c in source_terms.changes_of(source)][-1] == "claire"
        if how != "a table":
            assert source_rules.of_source(source)["subjects"] == {"updates": "ours"}


def test_a_page_that_is_out_of_date_wipes_nothing(session: Session) -> None:
    source = reci(session)
    source_rules.put(session, source, TABLE, by="claire")
    seen = source_rules.mark(source_rules.of_source(source))
    terms_seen = source_terms.mark_of(source_terms.of_source(source))
    source_rules.always(session, source, {("subjects", "update"): "ours"}, by="marc")
    with pytest.raises(Stale):
        source_rules.put(session, source, {}, by="claire", seen=seen)
    assert source_rules.of_source(source)["subjects"] == {"updates": "ours"}
    assert source_terms.put(session, source, Terms(resend=NO), by="claire", seen=terms_seen), "rules are not terms"
    with pytest.raises(Stale):
        source_terms.put(session, source, Terms(resend=YES), by="marc", seen=terms_seen)
    now = source_rules.of_source(source)
    assert source_rules.put(session, source, now, by="claire", seen=seen) is False, "what is so already is no quarrel"
    assert source_rules.put(session, source, {}, by="claire", seen=source_rules.mark(now))


def test_nobody_has_answered_until_somebody_does(session: Session) -> None:
    source = reci(session)
    assert source_terms.of_source(source) == Terms() == Terms("", UNSAID)
    assert allows(Terms(), "title") and source_terms.all_allow(session)
    source_terms.put(session, source, Terms("CC0 1.0"), by="claire")
    assert (source_terms.of_source(source).resend, source.resend) == (UNSAID, "yes")
    assert source_terms.put(session, source, Terms("CC0 1.0", YES), by="claire"), (
        "an answer, though nothing else changes"
    )
    assert source_terms.of_source(source).resend == YES
    assert [change.before.resend for change in source_terms.changes_of(source)] == [UNSAID, UNSAID]


def test_a_fresh_page_is_shown_with_a_sentence(desk: Desk) -> None:
    with desk.base.write() as session:
        source = reci(session, "ORIV")
        source_rules.put(session, source, TABLE, by="claire")
    rules, terms = "/bureau/sources/ORIV/regles", "/bureau/sources/ORIV/licence"
    opened, also = (filled(desk.claire.get(page), "vu")[0] for page in (rules, terms))
    page = desk.claire.get(terms).get_data(as_text=True)
    assert 'value="unsaid" id="redonner" checked' in page and 'value="yes" checked' not in page
    assert "pas encore dit" in text(desk.claire.get("/bureau/sources/ORIV"))
    with desk.base.write() as session:
        source = reci(session, "ORIV")
        source_rules.always(session, source, {("subjects", "update"): "ours"}, by="marc")
        source_terms.put(session, source, Terms("CC0 1.0"), by="marc")
    late = desk.claire.post(rules, data={"vu": opened, "action": "table", "all.adds": "accept"})
    assert late.status_code == 409 and "Ces règles ont changé pendant que cette page était ouverte." in text(late)
    assert filled(late, "subjects.updates") == ["ours"]
    too_late = desk.claire.post(terms, data={"vu": also, "redonner": "yes", "licence": ""})
    assert too_late.status_code == 409 and "Quelqu’un l’a changé pendant" in text(too_late)
    assert filled(too_late, "licence") == ["CC0 1.0"]
    fresh = filled(late, "vu")[0]
    again = {"vu": fresh, "action": "text", "texte": '[all]\nadds = "accept"\n'}
    assert desk.claire.post(rules, data=again).status_code == 303
    with desk.base.read() as session:
        assert source_rules.of_source(reci(session, "ORIV")) == {"all": {"adds": "accept"}}
