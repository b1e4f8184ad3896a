"""What a page says of its document to Zotero, to search engines and to link resolvers."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from catalogue.unimarc import with_kind
from export.citing.items import Cited, cited
from export.embedded import citation_tags, coins, json_ld
from export.records import Outgoing
from tests import cast
from tests.cast import field


def reference(kind: str, title: str, *fields: object, year: str = "2024") -> Cited:
    made = with_kind(cast.notice(title, *fields, year=year), kind)  # type: ignore[arg-type]
    return cited(Outgoing("k7m4x9q0", "published", kind, title, 2024, made), "https://doc.exemple.fr")


ARTICLE = reference(
    "article",
    "Choisir son collège",
    field("700", "a", "Dupont", "b", "Anne", "4", "070"),
    field("711", "a", "Observatoire des quartiers", "4", "070"),
    field("461", "0", "m8k4s13c", "t", "Les Cahiers", "x", "1234-5679"),
    field("463", "0", "n303vvx8", "v", "n° 12", "e", "mars 2024"),
    field("215", "a", "p. 4-11"),
    field("856", "u", "https://exemple.org/a.pdf"),
    field("606", "a", "École"),
)


def test_zotero_and_scholar_find_the_article_in_its_journal() -> None:
    tags = citation_tags(ARTICLE)
    said = dict(tags)
    assert [value for name, value in tags if name == "citation_author"] == [
        "Dupont, Anne",
        "Observatoire des quartiers",
    ]
    assert said["citation_journal_title"] == "Les Cahiers"
    assert (said["citation_issue"], said["citation_firstpage"], said["citation_lastpage"]) == ("12", "4", "11")
    assert said["citation_issn"] == "1234-5679"
    assert said["citation_pdf_url"] == "https://exemple.org/a.pdf"
    assert said["citation_abstract_html_url"] == "https://doc.exemple.fr/d/k7m4x9q0"


def test_a_coins_is_an_article_of_a_journal_or_a_book() -> None:
    said = parse_qs(coins(ARTICLE))
    assert said["rft_val_fmt"] == ["info:ofi/fmt:kev:mtx:journal"]
    assert (said["rft.aulast"], said["rft.aufirst"], said["rft.au"]) == (
        ["Dupont"],
        ["Anne"],
        ["Observatoire des quartiers"],
    )
    book = parse_qs(coins(reference("book", "La ville & l’école", field("010", "a", "978-2-07-036822-8"))))
    assert book["rft.genre"] == ["book"]
    assert book["rft.btitle"] == ["La ville & l’école"]
    assert book["rft.isbn"] == ["978-2-07-036822-8"]


def test_schema_org_says_who_is_a_person_and_who_a_body() -> None:
    said = json_ld(ARTICLE, held_by="Espace doc")
    assert said["@type"] == "ScholarlyArticle"
    assert [(a["@type"], a["name"]) for a in said["author"]] == [
        ("Person", "Anne Dupont"),
        ("Organization", "Observatoire des quartiers"),
    ]
    assert said["isPartOf"]["@type"] == "PublicationIssue"
    assert said["isPartOf"]["isPartOf"] == {"@type": "Periodical", "name": "Les Cahiers", "issn": ["1234-5679"]}
    assert "" not in said.values()
    json.dumps(said)


def test_a_document_that_says_nearly_nothing_is_still_told() -> None:
    bare = reference("other", "Tract", year="")
    assert dict(citation_tags(bare))["citation_title"] == "Tract"
    assert "rft.date" not in parse_qs(coins(bare))
    assert "datePublished" not in json_ld(bare)
