"""Addresses of the PMB that was there before, for a base that came by its export: nothing is known but its records."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from catalogue import authorities, notices
from catalogue.entities import ConceptRow
from catalogue.models import ClassificationEntry, Concept, ExternalId, Notice
from catalogue.unimarc import Field
from export import pmbxml
from harvest import importer
from tests.cast import field, notice

ABOUT = (
    field("606", "a", "Logement", "9", "id:926"),
    field("606", "a", "Sans-abri", "9", "id:927"),
    field("676", "a", "363.5", "l", "Pauvreté, sans-abri", "9", "id:28"),
    field("676", "a", "362", "l", "Action sociale"),
)


@pytest.fixture
def address(app: Flask, tmp_path: Path) -> str:
    """Of the one document, imported as PMB exports it; only one of its themes is in the thesaurus."""
    travee = app.extensions["travee"]
    travee.settings.pmb_source = "notre PMB"
    path = tmp_path / "base.xml"
    numbered: list[Field] = [{"t": "001", "v": "116"}, *notice("Un toit", *ABOUT)]
    path.write_bytes(b"<unimarc>" + pmbxml.notice_bytes(numbered) + b"</unimarc>")
    with travee.db.write() as session:
        authorities.load_scheme(session, "t", "t:", {"fr": "Thésaurus"}, [ConceptRow("t:l", {"fr": "Logement"})])
    importer.import_file(travee.db, path, source="notre PMB", by="claire")
    with travee.db.read_session() as session:
        return session.scalars(select(Notice.address)).one()


def test_documents_themes_and_shelves_keep_their_old_addresses(app: Flask, client: FlaskClient, address: str) -> None:
    with app.extensions["travee"].db.read_session() as session:
        theme = session.scalars(select(Concept.id)).one()
        entry = session.scalars(select(ClassificationEntry)).one()
    assert (entry.number, entry.label) == ("363.5", "Pauvreté, sans-abri")
    for asked, answer in (
        ("lvl=notice_display&id=116", f"/d/{address}"),
        ("lvl=categ_see&id=926", f"/themes/{theme}"),
        ("lvl=categ_see&id=927", "/recherche?theme=Sans-abri"),
        ("lvl=indexint_see&id=28", "/rayons/363.5"),
    ):
        found = client.get(f"/opac_css/index.php?{asked}")
        assert (found.status_code, found.location) == (301, answer), asked
        assert client.get(found.location).status_code == 200
    assert client.get("/opac_css/index.php?lvl=categ_see&id=928").status_code == 404
    assert client.get(f"/opac_css/index.php?lvl=categ_see&id={'9' * 5000}").status_code == 404


def test_an_old_address_says_nothing_of_what_is_not_published(app: Flask, client: FlaskClient, address: str) -> None:
    with app.extensions["travee"].db.write() as session:
        one = notices.find(session, address)
        assert one is not None
        notices.set_status(session, one, "draft", by="claire")
    for asked in ("lvl=notice_display&id=116", "lvl=categ_see&id=927"):
        assert client.get(f"/opac_css/index.php?{asked}").status_code == 404


@pytest.mark.usefixtures("address")
def test_another_file_does_not_rename_our_shelves(app: Flask, tmp_path: Path) -> None:
    """Its numbers are known all the same: its old addresses would lead to our shelf."""
    travee = app.extensions["travee"]
    path = tmp_path / "theirs.xml"
    about = field("676", "a", "363.5", "l", "Habitat (plan d’un autre)", "9", "id:7")
    numbered: list[Field] = [{"t": "001", "v": "9"}, *notice("Un autre toit", about)]
    path.write_bytes(b"<unimarc>" + pmbxml.notice_bytes(numbered) + b"</unimarc>")
    importer.import_file(travee.db, path, source="un autre PMB", by="claire")
    with travee.db.read_session() as session:
        entry = session.scalars(select(ClassificationEntry)).one()
        assert entry.label == "Pauvreté, sans-abri"
        known = select(ExternalId.value).where(ExternalId.entity == "class", ExternalId.entity_id == entry.id)
        assert sorted(session.scalars(known)) == ["28", "7"]
