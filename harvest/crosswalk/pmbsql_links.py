"""What joins the records of a PMB base: journal, issue and articles, and its ten kinds of relations.

Articles and issues hang on bulletins (`analysis`, `bulletins`), which have numbers of their own; the rest is in
`notices_relations`. Tags and `$9` are those of PMB's export (PMB.md section 2.2, « record links »).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalogue.unimarc import Field
from harvest.crosswalk.pmbsql_tables import Base, Row, field, said

UP = {"a": "463", "b": "461", "c": "410", "d": "461", "e": "422", "f": "430", "g": "440", "h": "453", "i": "454"}
DOWN = {"a": "464", "b": "462", "c": "462", "d": "462", "e": "421", "f": "440", "g": "430", "h": "454", "i": "453"}
EVEN = "423"  # relation j, which has no direction
OTHER = "488"  # a relation that a centre has added to its list
PARTS = 5_000  # articles that a journal names: beyond, they name it, and that is enough


@dataclass(frozen=True, slots=True)
class Relation:
    """One record's tie to another; `rank` counts within the same kind and direction."""

    linked: int
    kind: str
    direction: str  # up, down or both
    rank: int


@dataclass(frozen=True, slots=True)
class Links:
    """The ties of some records, and what is told of the records at the other end."""

    relations: Mapping[int, Sequence[Relation]]
    notices: Mapping[int, Row]
    authors: Mapping[int, Sequence[str]]
    hosts: Mapping[int, Sequence[Row]]  # of an article: its bulletins
    issues: Mapping[int, Sequence[Row]]  # of a journal
    parts: Mapping[int, Sequence[Row]]  # of a journal, by bulletin
    bulletins: Mapping[int, Row]  # of an issue's own record

    def serial(self, number: int) -> Row | None:
        return self.notices.get(number)

    def fields_of(self, notice: Row) -> Iterator[Field]:
        for relation in self.relations.get(notice["notice_id"], ()):
            yield from self._relation(relation)
        yield from self._hosts(notice)
        yield from self._issues(notice)

    def _relation(self, relation: Relation) -> Iterator[Field]:
        target = self.notices.get(relation.linked)
        if target is None:
            return
        level = said(target, "niveau_biblio") + str(target["niveau_hierar"] or "")
        mark = {"up": "lnk:parent", "down": "lnk:child", "both": "lnk:pair"}[relation.direction]
        about = [f"bl:{level}", f"id:{relation.linked}", f"rank:{relation.rank}", f"type_lnk:{relation.kind}", mark]
        titles, code = [said(target, "tit1") or " "], said(target, "code")
        pairs: list[tuple[str, str | Sequence[str]]] = [("9", about)]
        if level == "m0":
            pairs += [("y", code), ("t", titles), ("a", self.authors.get(relation.linked, ()))]
        elif level == "s1":
            pairs += [("x", code), ("t", titles)]
        else:
            pairs += self._in_journal(relation.linked, level, titles)
        tags = UP if relation.direction == "up" else DOWN
        tag = EVEN if relation.kind == "j" else tags.get(relation.kind, OTHER)
        yield from field(tag, "d0" if relation.kind == "d" else "  ", pairs)

    def _in_journal(self, number: int, level: str, titles: list[str]) -> list[tuple[str, str | Sequence[str]]]:
        """An article or an issue at the other end is named with its journal."""
        found = self.hosts.get(number, ()) if level == "a2" else [b for b in (self.bulletins.get(number),) if b]
        pairs: dict[str, str | Sequence[str]] = {}
        for bulletin in found:
            serial = self.notices.get(bulletin["bulletin_notice"])
            for code, column in _ISSUE:
                pairs[code] = said(bulletin, column)
            if code := said(serial, "code"):
                pairs["x"] = code
            titles += [said(bulletin, "bulletin_titre") or " ", said(serial, "tit1") or " "]
            pairs["t"] = titles
        return list(pairs.items())

    def _hosts(self, notice: Row) -> Iterator[Field]:
        bulletins = self.hosts.get(notice["notice_id"], ())
        for bulletin in bulletins:
            if serial := self.notices.get(bulletin["bulletin_notice"]):
                number = serial["notice_id"]
                pairs = [("t", said(serial, "tit1") or " "), ("x", said(serial, "code")), ("9", f"id:{number}")]
                for f in field("461", "  ", [*pairs, ("9", "lnk:perio")]):
                    yield {**f, "x": str(number)}
        for bulletin in bulletins:
            yield from _issue("463", bulletin)

    def _issues(self, notice: Row) -> Iterator[Field]:
        for bulletin in self.issues.get(notice["notice_id"], ()):
            yield from _issue("462", bulletin)
        for part in self.parts.get(notice["notice_id"], ()):
            titles = [said(part, "tit1") or " ", said(part, "bulletin_titre") or " "]
            about = [f"id:{part['analysis_notice']}", f"page:{part['npages'] or ''}", "lnk:art"]
            pairs = [(code, said(part, column)) for code, column in _ISSUE]
            for f in field("464", "  ", [("t", titles), *pairs, ("9", about)]):
                yield {**f, "x": str(part["analysis_notice"])}


_ISSUE = (("d", "date_date"), ("e", "mention_date"), ("v", "bulletin_numero"))


def _issue(tag: str, bulletin: Row) -> Iterator[Field]:
    number = bulletin["bulletin_id"]
    pairs = [(code, said(bulletin, column)) for code, column in _ISSUE]
    title = ("t", said(bulletin, "bulletin_titre") or " ")
    for f in field(tag, "  ", [*pairs, title, ("9", f"id:{number}"), ("9", "lnk:bull")]):
        yield {**f, "x": str(number)}


def issue_and_journal(bulletin: Row, serial: Row | None) -> list[Field]:
    """How an article names the issue it is in, and the journal: 463 and 461."""
    fields = list(_issue("463", bulletin))
    if serial is not None:
        number = str(serial["notice_id"])
        pairs = [("t", said(serial, "tit1") or " "), ("x", said(serial, "code")), ("9", f"id:{number}")]
        fields += [{**f, "x": number} for f in field("461", "  ", [*pairs, ("9", "lnk:perio")])]
    return fields


# --- looking them up ----------------------------------------------------------------------------

_HOSTS = (
    "SELECT a.analysis_notice, b.* FROM analysis a JOIN bulletins b ON b.bulletin_id = a.analysis_bulletin"
    " WHERE a.analysis_notice = ? ORDER BY a.rowid"
)
_PARTS_OF = (
    "SELECT a.analysis_notice, b.*, n.tit1, n.npages FROM bulletins b"
    " JOIN analysis a ON a.analysis_bulletin = b.bulletin_id JOIN notices n ON n.notice_id = a.analysis_notice"
    " WHERE b.bulletin_notice = ? ORDER BY b.rowid, a.rowid LIMIT ?"
)
_WHO = (
    "SELECT author_name, author_rejete FROM responsability JOIN authors ON author_id = responsability_author"
    " WHERE responsability_notice = ? AND responsability_type != 2 ORDER BY responsability_type, responsability_ordre"
)


def links_of(base: Base, notices: Sequence[Row], own_issue: Mapping[int, Row]) -> Links:
    ids = [n["notice_id"] for n in notices]
    relations = _relations(base, ids)
    linked = {r.linked for several in relations.values() for r in several}
    levels = base.one("notices", "notice_id", linked)
    articles = {n["notice_id"] for n in (*notices, *levels.values()) if said(n, "niveau_biblio") == "a"}
    hosts = {number: list(base.select(_HOSTS, (number,))) for number in articles}
    serials = [n["notice_id"] for n in notices if said(n, "niveau_biblio") == "s"]
    parts: dict[int, list[Row]] = {}
    for number in serials:
        found = list(base.select(_PARTS_OF, (number, PARTS + 1)))
        parts[number] = found if len(found) <= PARTS else []
    bulletins = base.one("bulletins", "num_notice", linked) | dict(own_issue)
    journals = {b["bulletin_notice"] for several in hosts.values() for b in several}
    journals |= {b["bulletin_notice"] for b in bulletins.values()}
    books = [number for number, n in levels.items() if said(n, "niveau_biblio") == "m"]
    return Links(
        relations=relations,
        notices=levels | base.one("notices", "notice_id", journals),
        authors={number: [_name(row) for row in base.select(_WHO, (number,))] for number in books},
        hosts=hosts,
        issues=base.get("bulletins", "bulletin_notice", serials),
        parts=parts,
        bulletins=bulletins,
    )


def _name(author: Row) -> str:
    given = said(author, "author_rejete")
    return said(author, "author_name") + (f", {given}" if given else "")


def _relations(base: Base, ids: Sequence[int]) -> dict[int, list[Relation]]:
    """Recent bases write each relation twice, with its direction; old ones once, upwards."""
    order = "relation_type, coalesce(ranking, rank), rowid"
    found: dict[int, list[tuple[str, int, str]]] = {}
    for number, rows in base.get("notices_relations", "num_notice", ids, order).items():
        for row in rows:
            direction = said(row, "direction") or ("both" if said(row, "relation_type") == "j" else "up")
            found.setdefault(number, []).append((direction, row["linked_notice"], said(row, "relation_type")))
    for number, rows in base.get("notices_relations", "linked_notice", ids, order).items():
        for row in rows:
            if not said(row, "direction") and not _is_own_issue(base, row):
                direction = "both" if said(row, "relation_type") == "j" else "down"
                found.setdefault(number, []).append((direction, row["num_notice"], said(row, "relation_type")))
    out: dict[int, list[Relation]] = {}
    for number, several in found.items():
        ranks: dict[tuple[str, str], int] = {}
        for direction, linked, kind in several:
            if direction not in ("up", "down", "both"):
                continue
            rank = ranks[direction, kind] = ranks.get((direction, kind), -1) + 1
            out.setdefault(number, []).append(Relation(linked, kind, direction, rank))
    return out


def _is_own_issue(base: Base, row: Row) -> bool:
    """An issue's own record names its journal; the journal does not name it back."""
    if said(row, "relation_type") != "b":
        return False
    own = base.one("bulletins", "num_notice", [row["num_notice"]]).get(row["num_notice"])
    return own is not None and own["bulletin_notice"] == row["linked_notice"]
