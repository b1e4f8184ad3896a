"""What robots, browsers and readers of feeds are told; and the addresses of the PMB that was there before."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import select

from catalogue import notices, sources
from catalogue.models import Notice
from export import feeds
from tests import cast
from tests.cast import field

ATOM = {"a": feeds.ATOM, "o": feeds.OPENSEARCH}
MAP = {"s": feeds.SITEMAP, "x": feeds.XHTML}


@pytest.fixture
def library(app: Flask) -> dict[str, str]:
    """Three documents, one of them a draft: title -> address."""
    travee = app.extensions["travee"]
    with travee.db.write() as session:
        for title, status in (("La ville & ses marges", "published"), ("Habiter\x0b ensemble", "published")):
            made = cast.notice(title, field("330", "a", "Un résumé."), field("606", "a", "Habitat"))
            notices.create(session, made, by="claire", status=status)
        notices.create(session, cast.notice("Encore à relire"), by="claire", status="draft")
    travee.drain_soon()
    with travee.db.read_session() as session:
        return {title: address for title, address in session.execute(select(Notice.title, Notice.address))}


def read(client: FlaskClient, path: str) -> etree._Element:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return etree.fromstring(answer.data)


def test_robots_are_shown_the_map_and_kept_from_forms(client: FlaskClient) -> None:
    lines = client.get("/robots.txt").text.splitlines()
    assert "Disallow: /bureau" in lines
    assert "Disallow: /en/demande" in lines
    assert not any(line == "Disallow: /" for line in lines)
    assert lines[-1].endswith("/sitemap.xml")


def test_the_map_leads_to_every_public_document_and_no_other(client: FlaskClient, library: dict[str, str]) -> None:
    maps = read(client, "/sitemap.xml").findall("s:sitemap/s:loc", MAP)
    told: set[str] = set()
    for one in maps:
        places = read(client, "/" + str(one.text).split("/", 3)[3])
        for place in places.findall("s:url", MAP):
            told.add(str(place.findtext("s:loc", namespaces=MAP)).split("/", 3)[3])
            english = place.find("x:link[@hreflang='en']", MAP)
            assert english is not None and "/en" in english.get("href", "")
    assert {f"d/{library['La ville & ses marges']}", "", "themes", "aide"} <= told
    assert f"d/{library['Encore à relire']}" not in told
    for path in told:
        assert client.get("/" + path).status_code == 200, path


def test_a_feed_of_a_search_has_its_documents_the_last_first(client: FlaskClient, library: dict[str, str]) -> None:
    feed = read(client, "/recherche.atom?q=habitat")
    assert [e.findtext("a:title", namespaces=ATOM) for e in feed.findall("a:entry", ATOM)] == [
        "Habiter ensemble",
        "La ville & ses marges",
    ]
    assert feed.findtext("o:totalResults", namespaces=ATOM) == "2"
    entry = feed.find("a:entry", ATOM)
    assert entry is not None
    assert entry.findtext("a:id", namespaces=ATOM, default="").endswith("/d/" + library["Habiter ensemble"])
    assert entry.findtext("a:summary", namespaces=ATOM) == "Un résumé."
    assert "relire" not in client.get("/nouveautes.atom").text
    page = client.get("/recherche?q=habitat")
    assert 'href="/recherche.atom?q=habitat"' in page.text


def test_a_feed_that_has_not_changed_costs_nothing(client: FlaskClient, library: dict[str, str]) -> None:
    first = client.get("/nouveautes.atom")
    again = client.get("/nouveautes.atom", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_feed_says_instants_in_universal_time() -> None:
    entry = feeds.Entry("Un", "http://x/d/1", datetime(2026, 3, 1, 8), datetime(2026, 3, 2, 8, tzinfo=UTC))
    made = etree.fromstring(feeds.atom(feeds.Feed("T", "http://x/", "http://x/f", "C", "fr", [entry])))
    assert made.findtext("a:updated", namespaces=ATOM) == "2026-03-02T08:00:00Z"
    assert made.findtext("a:entry/a:published", namespaces=ATOM) == "2026-03-01T08:00:00Z"


def test_a_browser_learns_to_search_here(client: FlaskClient) -> None:
    described = read(client, "/en/opensearch.xml")
    urls = {u.get("type"): u.get("template", "") for u in described.findall("o:Url", ATOM)}
    assert urls["text/html"].endswith("/en/recherche?q={searchTerms}")
    assert urls["application/atom+xml"].endswith("/en/recherche.atom?q={searchTerms}")
    assert 'type="application/opensearchdescription+xml"' in client.get("/").text


def test_a_browser_is_told_a_name_that_is_whole(app: Flask, client: FlaskClient) -> None:
    app.extensions["travee"].settings.centre_name = "Espace doc de démonstration"
    described = read(client, "/opensearch.xml")
    assert described.findtext("o:ShortName", namespaces=ATOM) == "Espace doc"
    assert described.findtext("o:LongName", namespaces=ATOM) == "Espace doc de démonstration"
    words = described.findtext("o:Description", namespaces=ATOM)
    assert words == "Chercher dans le catalogue d’Espace doc de démonstration"


def test_a_document_has_one_canonical_address_in_each_language(client: FlaskClient, library: dict[str, str]) -> None:
    address = library["La ville & ses marges"]
    for path in (f"/d/{address}", f"/en/d/{address}"):
        page = client.get(f"{path}?utm_source=lettre").text
        assert f'<link rel="canonical" href="http://localhost{path}">' in page


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/opac_css/index.php?lvl=notice_display&id=905", "/d/"),
        ("/index.php?lvl=notice_display&id=905", "/d/"),
        ("/pmb/opac_css/index.php?lvl=more_results&user_query=ville", "/recherche?q=ville"),
        ("/opac_css/index.php", "/"),
        ("/opac_css/index.php?lvl=last_records", "/nouveautes"),
        ("/opac_css/s.php?h=abc", "/recherche"),
    ],
)
def test_old_addresses_still_lead_to_their_document(
    app: Flask, client: FlaskClient, library: dict[str, str], old: str, new: str
) -> None:
    travee = app.extensions["travee"]
    travee.settings.pmb_source = "PMB"
    address = library["La ville & ses marges"]
    with travee.db.write() as session:
        source = sources.for_file(session, "PMB")
        notice = notices.find(session, address)
        assert notice is not None
        sources.name_ids(session, source, "record", {"905": notice.id})
    answer = client.get(old)
    assert answer.status_code == 301
    assert answer.location == (new + address if new == "/d/" else new)


@pytest.mark.parametrize("old", ["/opac_css/index.php?lvl=notice_display&id=1", "/doc_num.php?explnum_id=%25", "/x/y"])
def test_an_old_address_that_nobody_knows_is_said_so(client: FlaskClient, old: str) -> None:
    assert client.get(old).status_code == 404


def test_a_page_is_read_by_zotero_and_by_search_engines(client: FlaskClient, library: dict[str, str]) -> None:
    address = library["La ville & ses marges"]
    page = client.get(f"/d/{address}").text
    assert '<meta name="citation_title" content="La ville &amp; ses marges">' in page
    assert f'<abbr class="unapi-id" title="{address}">' in page
    assert '<span class="Z3988" title="ctx_ver=Z39.88-2004&amp;' in page
    (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert "<" not in data
    assert json.loads(data)["name"] == "La ville & ses marges"
    found = client.get("/recherche?q=ville").text
    assert f'<abbr class="unapi-id" title="{address}">' in found
    assert 'rel="unapi-server"' in found


def test_unapi_lists_formats_and_leads_to_them(client: FlaskClient, library: dict[str, str]) -> None:
    address = library["La ville & ses marges"]
    assert [f.get("name") for f in read(client, "/unapi")] == ["ris", "bibtex", "csljson", "marcxml"]
    several = client.get(f"/unapi?id={address}")
    assert (several.status_code, etree.fromstring(several.data).get("id")) == (300, address)
    answer = client.get(f"/unapi?id={address}&format=ris", follow_redirects=True)
    assert "TI  - La ville & ses marges" in answer.text
    assert client.get(f"/unapi?id={address}&format=word").status_code == 406
    assert client.get("/unapi?id=rien&format=ris").status_code == 404


def test_a_hostile_title_stays_a_title(app: Flask, client: FlaskClient) -> None:
    with app.extensions["travee"].db.write() as session:
        made = notices.create(session, cast.notice('</script><b onx="1">"Titre'), by="claire", status="published")
        address = made.address
    page = client.get(f"/d/{address}").text
    assert "<b onx" not in page
    assert page.count("</script>") == 2
