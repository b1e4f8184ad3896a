"""A record of a PMB base as the fields that PMB's own export gives it (PMB.md section 2.2).

Field for field what `pmb_xml_unimarc` would say with links and copies on, so that a harvest of the same base,
the night after, meets the same fingerprint. Two things differ on purpose: the 214 that repeats each 210 is not
written, nor what changes every day (`catalogue.volatile`: 801 $c, link numbers in $0).

What the exports leave out stands in fields of its own (`catalogue.pmb.is_dump_only`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from posixpath import basename

from babel import Locale

from catalogue import pmb
from catalogue.unimarc import Field, Fields
from harvest.crosswalk import pmbsql_concepts, pmbsql_custom, pmbsql_visible
from harvest.crosswalk.pmbsql_links import Links, links_of
from harvest.crosswalk.pmbsql_tables import Base, Row, field, said

NO_DAY = "0000-00-00"
NO_USAGE = "Aucun droit spécifique"


@dataclass(frozen=True, slots=True)
class Around:
    """What the tables say about some records, looked up once for all of them."""

    base: Base
    languages: Mapping[int, Sequence[Row]]
    uniform_titles: Mapping[int, Sequence[Row]]
    titles: Mapping[int, Row]
    responsibilities: Mapping[int, Sequence[Row]]
    authors: Mapping[int, Row]
    publishers: Mapping[int, Row]
    collections: Mapping[int, Row]
    sub_collections: Mapping[int, Row]
    series: Mapping[int, Row]
    indexes: Mapping[int, Row]
    categories: Mapping[int, Sequence[Row]]
    labels: Mapping[int, Sequence[Row]]
    concepts: Mapping[int, Sequence[Field]]
    own_issue: Mapping[int, Row]  # of a b2: its bulletin
    holdings: Mapping[int, Sequence[Row]]
    files: Mapping[int, Sequence[Row]]
    files_of_issues: Mapping[int, Sequence[Row]]
    home_made: Mapping[int, Sequence[Row]]
    custom: pmbsql_custom.Values
    custom_of_holdings: pmbsql_custom.Values
    links: Links


def look_around(base: Base, notices: Sequence[Row]) -> Around:
    ids = [n["notice_id"] for n in notices]

    def these(column: str) -> list[int]:
        return [n[column] or 0 for n in notices]

    own_issue = base.one("bulletins", "num_notice", ids)
    titles = base.get("notices_titres_uniformes", "ntu_num_notice", ids, "ntu_ordre, rowid")
    who = base.get("responsability", "responsability_notice", ids, "responsability_ordre, rowid")
    subjects = base.get("notices_categories", "notcateg_notice", ids, "ordre_categorie, rowid")
    holdings = base.get("collections_state", "id_serial", ids, "collstate_id")
    return Around(
        base=base,
        languages=base.get("notices_langues", "num_notice", ids, "ordre_langue, rowid"),
        uniform_titles=titles,
        titles=base.one("titres_uniformes", "tu_id", _all(titles, "ntu_num_tu")),
        responsibilities=who,
        authors=base.one("authors", "author_id", _all(who, "responsability_author")),
        publishers=base.one("publishers", "ed_id", [*these("ed1_id"), *these("ed2_id")]),
        collections=base.one("collections", "collection_id", these("coll_id")),
        sub_collections=base.one("sub_collections", "sub_coll_id", these("subcoll_id")),
        series=base.one("series", "serie_id", these("tparent_id")),
        indexes=base.one("indexint", "indexint_id", these("indexint")),
        categories=subjects,
        labels=base.get("categories", "num_noeud", _all(subjects, "num_noeud")),
        concepts=pmbsql_concepts.subjects_of(base, ids),
        own_issue=own_issue,
        holdings=holdings,
        files=base.get("explnum", "explnum_notice", ids, "explnum_id"),
        files_of_issues=base.get(
            "explnum", "explnum_bulletin", [b["bulletin_id"] for b in own_issue.values()], "explnum_id"
        ),
        home_made=base.get("notices_authperso", "notice_authperso_notice_num", ids, "notice_authperso_order"),
        custom=pmbsql_custom.values_of(base, "notices", ids),
        custom_of_holdings=pmbsql_custom.values_of(base, "collstate", _all(holdings, "collstate_id")),
        links=links_of(base, notices, own_issue),
    )


def _all(rows: Mapping[int, Sequence[Row]], column: str) -> list[int]:
    return [row[column] or 0 for several in rows.values() for row in several]


def fields_of(notice: Row, around: Around) -> Fields:
    """Every field of a record, in PMB's order."""
    fields = pmb.fields_from_header(_header(notice))
    for part in _PARTS:
        fields += part(notice, around)
    return fields


def _header(n: Row) -> dict[str, str]:
    level = said(n, "niveau_biblio")
    return {
        "rs": "n",
        "dt": said(n, "typdoc"),
        "bl": "s" if level + said(n, "niveau_hierar") == "b2" else level,
        "hl": str(n["niveau_hierar"] or ""),
        "el": "1",
        "ru": "i",
    }


def _numbers(n: Row, around: Around) -> Iterator[Field]:
    yield {"t": "001", "v": str(n["notice_id"])}
    created, updated = said(n, "create_date"), said(n, "update_date")
    charset = "0103" if around.base.charset.get("notices", "").startswith("latin") else "50  "
    day = created[:4] + created[5:7] + created[8:10]
    yield {"t": "100", "i": "  ", "s": [["a", f"{day}u        u  u0frey{charset}    ba"]]}
    published = said(n, "date_parution")
    yield from field(
        "009", "  ", [("a", "" if published == NO_DAY else published.strip()), ("c", created), ("u", updated)]
    )


def _title(n: Row, around: Around) -> Iterator[Field]:
    issue = around.own_issue.get(n["notice_id"]) if said(n, "niveau_biblio") == "b" else None
    pairs = [(code, said(n, f"tit{at}")) for at, code in ((1, "a"), (2, "c"), (3, "d"), (4, "e"))]
    if issue:
        pairs += [("h", said(issue, "bulletin_numero")), ("i", said(issue, "bulletin_titre"))]
        pairs += [("9", f"id:{issue['bulletin_id']}")]
    yield from field("200", "1 ", pairs)
    for link in around.uniform_titles.get(n["notice_id"], ()):
        if title := around.titles.get(link["ntu_num_tu"]):
            yield from field("500", "10", _uniform_title(link, title, around.base))
    if issue:
        serial = around.links.serial(issue["bulletin_notice"])
        yield from field("530", "  ", [("a", said(serial, "tit1"))])
        day = [
            ("d", said(issue, "mention_date") or said(n, "year")),
            ("h", said(issue, "date_date") or said(n, "date_parution")),
        ]
        yield from field("210", "  ", day)


def _uniform_title(link: Row, title: Row, base: Base) -> Iterator[tuple[str, str | list[str]]]:
    yield "9", f"id:{title['tu_id']}"
    for code, row, column in (
        ("a", title, "tu_name"),
        ("u", title, "tu_tonalite"),
        ("n", title, "tu_comment"),
        ("i", link, "ntu_titre"),
        ("k", link, "ntu_date"),
        ("l", link, "ntu_sous_vedette"),
        ("m", link, "ntu_langue"),
        ("q", link, "ntu_version"),
        ("w", link, "ntu_mention"),
    ):
        yield code, said(row, column)
    for code, table, name in (("r", "tu_distrib", "distrib"), ("s", "tu_ref", "ref"), ("j", "tu_subdiv", "subdiv")):
        order = f"{name}_ordre, {name}_name"
        found = base.get(table, f"{name}_num_tu", [title["tu_id"]], order).get(title["tu_id"], ())
        yield code, [said(row, f"{name}_name") for row in found]


def _description(n: Row, around: Around) -> Iterator[Field]:
    languages = around.languages.get(n["notice_id"], ())
    text = [said(row, "code_langue") for row in languages if not row["type_langue"]]
    original = [said(row, "code_langue") for row in languages if row["type_langue"]]
    pairs = [("a", text), ("c", original)]
    if languages and languages[0]["type_langue"]:  # the subfields come in the order PMB met the first of each
        pairs.reverse()
    yield from field("010", "  ", [("a", said(n, "code")), ("d", said(n, "prix"))])
    yield from field("856", "  ", [("u", said(n, "lien")), ("q", said(n, "eformat"))])
    yield from field("101", "1 " if original else "0 ", pairs)
    yield from field("205", "  ", [("a", said(n, "mention_edition"))])
    extent = [(code, said(n, column)) for code, column in zip("acde", ("npages", "ill", "size", "accomp"), strict=True)]
    yield from field("215", "  ", extent)
    for tag, column in (("300", "n_gen"), ("327", "n_contenu"), ("330", "n_resume")):
        yield from field(tag, "  ", [("a", said(n, column))])
    usage = around.base.whole("notice_usage").get(n["num_notice_usage"] or 0)
    yield from field("319", "  ", [("a", said(usage, "usage_libelle") or NO_USAGE)])


def _authors(n: Row, around: Around) -> Iterator[Field]:
    for row in around.responsibilities.get(n["notice_id"], ()):
        author = around.authors.get(row["responsability_author"])
        kind, rank = said(author, "author_type"), str(row["responsability_type"] or 0)
        if author is None or kind not in ("70", "71", "72"):
            continue
        number = ("9", f"id:{author['author_id']}")
        function, web = ("4", said(row, "responsability_fonction")), ("N", said(author, "author_web"))
        note, dates = ("c", said(author, "author_comment")), ("f", said(author, "author_date"))
        name, other = said(author, "author_name"), said(author, "author_rejete")
        if kind == "70":
            yield from field("70" + rank, " 1", [("a", name), ("b", other), note, function, dates, web, number])
            continue
        yield from field(
            "71" + rank,
            "02" if kind == "71" else "12",
            [
                ("a", name),
                ("b", said(author, "author_subdivision")),
                note,
                ("g", other),
                ("d", said(author, "author_numero")),
                function,
                dates,
                ("e", _place(author)),
                ("K", said(author, "author_lieu")),
                ("L", said(author, "author_ville")),
                ("M", said(author, "author_pays")),
                web,
                number,
            ],
        )


def _place(author: Row) -> str:
    place = said(author, "author_lieu")
    rest = "; ".join(p for p in (said(author, "author_ville"), said(author, "author_pays")) if p)
    return place if not rest or place == rest else "; ".join(p for p in (place, rest) if p)


def _imprint(n: Row, around: Around) -> Iterator[Field]:
    when = [("d", said(n, "year")), ("h", said(n, "date_parution"))]
    first = around.publishers.get(n["ed1_id"] or 0)
    second = around.publishers.get(n["ed2_id"] or 0)
    country = next((code for p in (first, second) if (code := _country(said(p, "ed_pays")))), "")
    yield from field("102", "  ", [("a", country)])
    if first is not None:
        yield from field("210", "  ", _publisher(first, when))
    elif said(n, "niveau_biblio") != "b":
        yield from field("210", "  ", when)
    if second is not None:
        yield from field("210", "  ", _publisher(second, when[:1]))


def _publisher(row: Row, when: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    address = [said(row, column) for column in ("ed_adr1", "ed_adr2", "ed_cp", "ed_ville", "ed_pays")]
    yield "a", said(row, "ed_ville")
    yield "b", "\n".join(address).strip(" \t\n\0\x0b")
    yield "c", said(row, "ed_name")
    yield from when
    yield "z", said(row, "ed_pays")
    yield "9", f"id:{row['ed_id']}"
    for key, column in (
        ("web", "ed_web"),
        ("comment", "ed_comment"),
        ("cp", "ed_cp"),
        ("adr1", "ed_adr1"),
        ("adr2", "ed_adr2"),
    ):
        if said(row, column).strip():
            yield "9", f"{key}:{said(row, column)}"


@cache
def _countries() -> dict[str, str]:
    names = Locale("fr").territories
    return {name: code.lower() for code, name in names.items() if len(code) == 2}


def _country(name: str) -> str:
    return _countries().get(name.strip(), "")


def _collections(n: Row, around: Around) -> Iterator[Field]:
    if row := around.collections.get(n["coll_id"] or 0):
        rest = [("v", said(n, "nocoll")), ("x", said(row, "collection_issn")), ("9", f"id:{row['collection_id']}")]
        yield from field("225", "2 ", [("a", said(row, "collection_name")), *rest])
        yield from field("410", " 0", [("t", said(row, "collection_name")), *rest])
    if row := around.sub_collections.get(n["subcoll_id"] or 0):
        rest = [("x", said(row, "sub_coll_issn")), ("9", f"id:{row['sub_coll_id']}")]
        yield from field("225", "2 ", [("i", said(row, "sub_coll_name")), *rest])
        yield from field("411", " 0", [("t", said(row, "sub_coll_name")), *rest])
    if row := around.series.get(n["tparent_id"] or 0):
        yield from field("461", " 0", [("t", said(row, "serie_name")), ("v", said(n, "tnvol"))])


def _subjects(n: Row, around: Around) -> Iterator[Field]:
    if row := around.indexes.get(n["indexint"] or 0):
        pairs = [("a", said(row, "indexint_name")), ("l", said(row, "indexint_comment"))]
        yield from field("676", "  ", [*pairs, ("9", f"id:{row['indexint_id']}")])
    yield from field("896", "  ", [("a", said(n, "thumbnail_url"))])
    yield from field("610", "0 ", [("a", said(n, "index_l"))])
    for link in around.categories.get(n["notice_id"], ()):
        for label in around.labels.get(link["num_noeud"], ()):
            numbers = [f"id:{label['num_noeud']}", f"lang:{label['langue']}", f"idthes:{label['num_thesaurus']}"]
            yield from field("606", " 1", [("9", numbers), ("a", said(label, "libelle_categorie"))])
    yield from around.concepts.get(n["notice_id"], ())


def _custom(n: Row, around: Around) -> Iterator[Field]:
    yield from pmbsql_custom.fields_of(around.custom, n["notice_id"], "900")
    for link in around.home_made.get(n["notice_id"], ()):
        yield from pmbsql_custom.home_made(around.base, link["notice_authperso_authority_num"])


def _links(n: Row, around: Around) -> Iterator[Field]:
    yield from around.links.fields_of(n)


def _holdings(n: Row, around: Around) -> Iterator[Field]:
    base = around.base
    for row in around.holdings.get(n["notice_id"], ()):
        status = base.whole("arch_statut").get(row["collstate_statut"] or 0)
        pairs = [
            ("9", f"id:{row['collstate_id']}"),
            ("a", said(base.whole("docs_location").get(row["location_id"] or 0), "location_libelle")),
            ("b", said(row, "state_collections")),
            ("c", said(base.whole("arch_emplacement").get(row["collstate_emplacement"] or 0), "archempla_libelle")),
            ("d", said(base.whole("arch_type").get(row["collstate_type"] or 0), "archtype_libelle")),
            ("e", said(row, "collstate_origine")),
            ("f", said(row, "collstate_cote")),
            ("g", said(row, "collstate_archive")),
            ("h", said(status, "archstatut_opac_libelle")),
            ("i", said(row, "collstate_lacune")),
            ("j", said(row, "collstate_note")),
            ("k", said(status, "archstatut_gestion_libelle")),
        ]
        yield from field("950", "  ", pairs)
        number = row["collstate_id"]
        yield from pmbsql_custom.fields_of(around.custom_of_holdings, number, "951", str(number))


def _files(n: Row, around: Around) -> Iterator[Field]:
    for row in _files_of(n, around):
        yield from file_field(row, around.base)


def _files_of(n: Row, around: Around) -> Sequence[Row]:
    issue = around.own_issue.get(n["notice_id"])
    of_issue = around.files_of_issues.get(issue["bulletin_id"], ()) if issue else ()
    return (*around.files.get(n["notice_id"], ()), *of_issue)


def file_field(row: Row, base: Base) -> Iterator[Field]:
    """A digital document: where it is, its name, its type. What is in the file stays with PMB."""
    opac = base.setting("pmb", "opac_url") or "./opac_css/"
    number, name, file = row["explnum_id"], said(row, "explnum_nom"), said(row, "explnum_nomfichier")
    url = said(row, "explnum_url")
    status = base.whole("explnum_statut").get(row["explnum_docnum_statut"] or 0)
    yield from field(
        "897",
        "  ",
        [
            ("a", url or f"{opac}doc_num.php?explnum_id={number}"),
            ("b", basename((name or url).rstrip("/")) if url else name or file),
            ("f", "" if url else file),
            ("s", said(status, "gestion_libelle")),
            ("t", said(row, "explnum_mimetype")),
            ("u", f"{opac}vig_num.php?explnum_id={number}"),
            ("W", str(row["explnum_data"]) if row["explnum_data"] else ""),
        ],
    )


def _origin(n: Row, around: Around) -> Iterator[Field]:
    row = around.base.whole("origine_notice").get(n["origine_catalogage"] or 0)
    yield from field("801", "  ", [("a", said(row, "orinot_nom")), ("b", said(row, "orinot_pays"))])


def _not_exported(n: Row, around: Around) -> Iterator[Field]:
    """What no export of PMB tells: status and management comment (991), custom fields kept to itself (901), what the
    public does not see (992)."""
    base, number = around.base, n["notice_id"]
    status = base.whole("notice_statut").get(n["statut"] or 0)
    label = said(status, "gestion_libelle")
    # The first status is « no particular status »: it says nothing.
    pairs = [("a", label if (n["statut"] or 1) != 1 else ""), ("b", said(n, "commentaire_gestion").strip())]
    yield from pmbsql_custom.fields_of(around.custom, number, "901", exported=False)
    if any(value for _code, value in pairs):
        yield from field("991", "  ", [*pairs, ("2", "pmb")])
    yield from pmb.hidden(
        record=not pmbsql_visible.record(base, n["statut"]),
        names=pmbsql_custom.hidden_names(around.custom, number),
        identifiers=pmbsql_custom.hidden_identifiers(around.custom, number),
        holdings=[r["collstate_id"] for r in around.holdings.get(number, ()) if not pmbsql_visible.holding(base, r)],
        files=[r["explnum_id"] for r in _files_of(n, around) if not pmbsql_visible.file(base, r, n["statut"])],
    )


_PARTS: tuple[Callable[[Row, Around], Iterator[Field]], ...] = (
    _numbers,
    _title,
    _description,
    _authors,
    _imprint,
    _collections,
    _subjects,
    _custom,
    _links,
    _holdings,
    _files,
    _origin,
    _not_exported,
)
