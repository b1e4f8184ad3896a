"""A PMB database dump (mysqldump, phpMyAdmin, PMB's own scripts) read as a whole base.

In order: thesauri, classification, authors, then the records: periodicals, issues, everything else, so that
what others name is there before them. Records say what PMB's own export would say (`pmbsql_fields`); an issue
without a record is described as its articles would (`harvest.issues`). First of all, an `About` says what became
of every table of the dump.

A dump that is cut, or that is no PMB's, is refused whole: half a base would be records without their authors.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, BinaryIO

from catalogue import pmb
from catalogue.db import chunks
from catalogue.entities import About, AgentRow, ClassRow, Thesaurus
from catalogue.problems import Problem, Refusal
from catalogue.unimarc import Record, title
from harvest.crosswalk import pmbsql_authorities, pmbsql_concepts, pmbsql_visible
from harvest.crosswalk.mysqldump import Broken
from harvest.crosswalk.pmbsql_fields import fields_of, file_field, look_around
from harvest.crosswalk.pmbsql_items import items_of
from harvest.crosswalk.pmbsql_links import PARTS, issue_and_journal
from harvest.crosswalk.pmbsql_tables import Base, Row, TableLine, none_of_pmb, registry, said
from harvest.issues import describe_issue

AT_ONCE = 500
PERIODICALS = 20  # at once: each may have thousands of issues and articles
# One of these with rows in it, and it is a PMB (a thesaurus alone is one too).
_SIGNS = ("notices", "noeuds", "indexint", "authors", "exemplaires", "bulletins")
# What the records of a base are made of: a dump that has records and not these is only a part of one.
_NEEDED = (
    "authors",
    "responsability",
    "notices_langues",
    "exemplaires",
    "docs_location",
    "docs_statut",
    "notice_statut",
)

_PERIODICALS = "SELECT * FROM notices WHERE niveau_biblio = 's' ORDER BY notice_id"
_ISSUES = "SELECT * FROM notices WHERE niveau_biblio = 'b' ORDER BY notice_id"
# A record is the issue that came first (`Base.one`), whichever others name it: those are told as if they had none.
_SHARES = "EXISTS (SELECT 1 FROM bulletins f WHERE f.num_notice = b.num_notice AND f.rowid < b.rowid)"
_BARE_ISSUES = (
    "SELECT b.*, n.statut AS of_record FROM bulletins b LEFT JOIN notices n ON n.notice_id = b.num_notice"
    f" WHERE n.notice_id IS NULL OR {_SHARES} ORDER BY b.bulletin_id"
)
_SHARED_RECORDS = f"SELECT count(*) FROM bulletins b JOIN notices n ON n.notice_id = b.num_notice WHERE {_SHARES}"
_OTHERS = "SELECT * FROM notices WHERE coalesce(niveau_biblio, '') NOT IN ('s', 'b') ORDER BY notice_id"

Read = Record | Thesaurus | ClassRow | AgentRow | About | Refusal


def read_file(stream: BinaryIO, profile: Mapping[str, Any] | None = None) -> Iterator[Read]:
    """Everything a dump holds, in the order in which it is best taken in."""
    with Base() as base:
        if refusal := _load(base, stream):
            yield refusal
            return
        yield About(tuple(about(base)))
        for position, read in enumerate(chain(_authorities(base), _records(base)), 1):
            yield replace(read, position=position)


def inventory(stream: BinaryIO) -> list[TableLine]:
    """What would become of every table of a dump."""
    with Base() as base:
        _load(base, stream)
        return base.inventory()


def _load(base: Base, stream: BinaryIO) -> Refusal | None:
    try:
        base.load(stream)
    except Broken as fault:
        return Refusal(0, "", f"pmbsql.{fault.code}", fault.params)
    except (EOFError, zlib.error):
        return Refusal(0, "", "pmbsql.cut_gzip", {"table": next(reversed(base.rows), "")})
    if any(base.count(table) for table in _SIGNS):
        return None
    return none_of_pmb([table for table, rows in base.rows.items() if rows] or list(base.rows))


def _authorities(base: Base) -> Iterator[Thesaurus | ClassRow | AgentRow | About]:
    yield from pmbsql_authorities.thesauri(base)
    yield from pmbsql_concepts.thesauri(base)
    yield from pmbsql_authorities.classes(base)
    yield from pmbsql_authorities.agents(base)


def _records(base: Base) -> Iterator[Record]:
    for rows in chunks(base.select(_PERIODICALS), PERIODICALS):
        yield from _described(base, rows)
    for rows in chunks(base.select(_ISSUES), AT_ONCE):
        yield from _described(base, rows)
    for rows in chunks(base.select(_BARE_ISSUES), AT_ONCE):
        yield from _bare_issues(base, rows)
    for rows in chunks(base.select(_OTHERS), AT_ONCE):
        yield from _described(base, rows)


def _described(base: Base, notices: Sequence[Row]) -> Iterator[Record]:
    around = look_around(base, notices)
    statuses = {n["notice_id"]: n["statut"] for n in notices}
    copies = items_of(base, "expl_notice", statuses)
    issues = {b["bulletin_id"]: statuses[number] for number, b in around.own_issue.items()}
    of_issues = items_of(base, "expl_bulletin", issues)
    for notice in notices:
        number = notice["notice_id"]
        fields = fields_of(notice, around)
        issue = around.own_issue.get(number)
        yield Record(
            fields=fields,
            items=(*copies.get(number, ()), *(of_issues.get(issue["bulletin_id"], ()) if issue else ())),
            control_number=str(number),
            raw=b"" if title(fields) else json.dumps(dict(notice), ensure_ascii=False).encode(),
            status="published" if pmbsql_visible.record(base, notice["statut"]) else "candidate",
        )


def _bare_issues(base: Base, bulletins: Sequence[Row]) -> Iterator[Record]:
    """Issues without a record of their own: as their articles tell of them, with what hangs on them."""
    serials = base.one("notices", "notice_id", [b["bulletin_notice"] or 0 for b in bulletins])
    statuses: dict[int, int | None] = {}  # of the record that they share, else of their periodical
    for bulletin in bulletins:
        shared, serial = bulletin["of_record"], serials.get(bulletin["bulletin_notice"] or 0)
        statuses[bulletin["bulletin_id"]] = serial["statut"] if shared is None and serial is not None else shared
    numbers = list(statuses)
    copies = items_of(base, "expl_bulletin", statuses)
    files = base.get("explnum", "explnum_bulletin", numbers, "explnum_id")
    for bulletin in bulletins:
        number = bulletin["bulletin_id"]
        serial = serials.get(bulletin["bulletin_notice"] or 0)
        issue = describe_issue(Record(issue_and_journal(bulletin, serial)), str(number))
        online = [f for row in files.get(number, ()) for f in file_field(row, base)]
        status = statuses[number]
        secret = not pmbsql_visible.record(base, status)
        unseen = [r["explnum_id"] for r in files.get(number, ()) if not pmbsql_visible.file(base, r, status)]
        yield replace(
            issue,
            fields=[*issue.fields, *online, *pmb.hidden(record=secret, files=unseen)],
            items=copies.get(number, ()),
            status="candidate" if secret else "published",
        )


# --- what is said of the base ---------------------------------------------------------------------


def about(base: Base) -> Iterator[Problem]:
    """What became of every table, what matters to a documentalist first, and what reading the text showed."""
    for line in base.inventory():
        if line.rows:
            yield _problem(f"pmbsql.left_{line.why}" if line.why != "taken" else "pmbsql.taken", line)
    if base.count("notices"):
        for table in _NEEDED:
            if not base.rows.get(table):
                yield Problem(table, "", "pmbsql.no_rows", "warning", {"table": table})
    for table, column, target, key in _TIES:
        if n := _one(base, _DANGLING.format(table=table, column=column, target=target, key=key)):
            params = {"where": f"{table}.{column}", "n": str(n), "table": target}
            yield Problem(f"{table}.{column}", "", "pmbsql.dangling", "warning", params)
    for table, cited in _CITED.items():
        if n := _one(base, _UNUSED.format(table=table, key=registry()[0][table].key[0], cited=cited)):
            yield Problem(table, "", "pmbsql.unused", "info", {"table": table, "n": str(n)})
    for row in base.whole("docs_location").values():
        if card := ", ".join(words for column in _CARD if (words := said(row, column).strip())):
            label = said(row, "location_libelle")
            yield Problem(label, "", "pmbsql.location", "info", {"location": label, "card": card})
    told = base.told
    for column, n in sorted(told.unknown_columns.items()):
        yield Problem(column, "", "pmbsql.unknown_column", "warning", {"column": column, "n": str(n)})
    counts = {
        "pmbsql.no_end": int(base.cut_short),
        "pmbsql.not_understood": base.not_understood,
        "pmbsql.windows": told.windows,
        "pmbsql.twice": told.twice,
        "pmbsql.controls": told.controls,
        "pmbsql.file_data": _one(base, "SELECT count(*) FROM explnum WHERE coalesce(explnum_url, '') = ''"),
        **dict(pmbsql_visible.counts(base)),
        "pmbsql.queries": _one(base, "SELECT count(*) FROM notices_custom WHERE type IN ('query_list', 'query_auth')"),
        "pmbsql.homeless_copies": _one(base, _HOMELESS),
        "pmbsql.homeless_articles": _one(base, _NOT_IN_AN_ISSUE),
        "pmbsql.many_parts": _one(base, _MANY_PARTS, PARTS),
        "pmbsql.shared_record": _one(base, _SHARED_RECORDS),
    }
    for code, n in counts.items():
        if n:
            level = "info" if code.startswith(("pmbsql.hidden", "pmbsql.windows")) else "warning"
            yield Problem("", "", code, level, {"n": str(n)})


# Who names whom by number; 0 names nobody.
_TIES = (
    ("responsability", "responsability_author", "authors", "author_id"),
    ("responsability", "responsability_notice", "notices", "notice_id"),
    ("notices", "ed1_id", "publishers", "ed_id"),
    ("notices", "ed2_id", "publishers", "ed_id"),
    ("notices", "coll_id", "collections", "collection_id"),
    ("notices", "subcoll_id", "sub_collections", "sub_coll_id"),
    ("notices", "tparent_id", "series", "serie_id"),
    ("notices", "indexint", "indexint", "indexint_id"),
    ("notices", "statut", "notice_statut", "id_notice_statut"),
    ("notices", "origine_catalogage", "origine_notice", "orinot_id"),
    ("notices_categories", "num_noeud", "categories", "num_noeud"),
    ("notices_relations", "linked_notice", "notices", "notice_id"),
    ("index_concept", "num_concept", "onto_uri", "uri_id"),
    ("bulletins", "bulletin_notice", "notices", "notice_id"),
    ("analysis", "analysis_bulletin", "bulletins", "bulletin_id"),
    ("exemplaires", "expl_location", "docs_location", "idlocation"),
    ("exemplaires", "expl_section", "docs_section", "idsection"),
    ("exemplaires", "expl_statut", "docs_statut", "idstatut"),
    ("exemplaires", "expl_typdoc", "docs_type", "idtyp_doc"),
    ("exemplaires", "expl_owner", "lenders", "idlender"),
)
_DANGLING = (
    "SELECT count(*) FROM {table} t LEFT JOIN {target} s ON s.{key} = t.{column}"
    " WHERE t.{column} != 0 AND s.{key} IS NULL"
)
# Where an authority that has no place of its own here is cited: its words come with those records.
_CITED = {
    "publishers": "SELECT ed1_id FROM notices UNION SELECT ed2_id FROM notices",
    "collections": "SELECT coll_id FROM notices",
    "sub_collections": "SELECT subcoll_id FROM notices",
    "series": "SELECT tparent_id FROM notices",
    "titres_uniformes": "SELECT ntu_num_tu FROM notices_titres_uniformes",
    "authperso_authorities": "SELECT notice_authperso_authority_num FROM notices_authperso",
}
_UNUSED = "SELECT count(*) FROM {table} WHERE {key} NOT IN ({cited} EXCEPT SELECT NULL)"  # NULL: nothing is NOT IN
_CARD = ("name", "adr1", "adr2", "cp", "town", "state", "country", "phone", "email", "website", "commentaire")
_HOMELESS = (
    "SELECT count(*) FROM exemplaires e LEFT JOIN notices n ON n.notice_id = e.expl_notice"
    " LEFT JOIN bulletins b ON b.bulletin_id = e.expl_bulletin WHERE n.notice_id IS NULL AND b.bulletin_id IS NULL"
)
_NOT_IN_AN_ISSUE = (
    "SELECT count(*) FROM notices LEFT JOIN analysis ON analysis_notice = notice_id"
    " WHERE niveau_biblio = 'a' AND analysis_notice IS NULL"
)
_MANY_PARTS = (
    "SELECT count(*) FROM (SELECT 1 FROM analysis JOIN bulletins ON bulletin_id = analysis_bulletin"
    " GROUP BY bulletin_notice HAVING count(*) > ?)"
)


def _one(base: Base, sql: str, *values: int) -> int:
    return int(next(base.select(sql, values))[0])


def _problem(code: str, line: TableLine) -> Problem:
    """Of all tables of one fate a report makes one line, which names them: so they have no tag."""
    level = "warning" if line.why in ("descriptions", "unknown") else "info"
    return Problem("", "", code, level, {"table": line.table, "n": str(line.rows), "taken": str(line.taken)})
