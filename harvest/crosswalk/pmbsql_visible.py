"""What a PMB shows to its public: columns of its statuses, locations and sections (PMB.md section 1.5).

As its public site asks: shown is what every one of them shows, and not to subscribers only. A number that its table
does not explain is shown to nobody, but for a record or a file of no particular status (`PLAIN`). Where the dump holds
no row of the table, nothing is said of copies, holdings are shown, and records and files still go by their number.
A column that an older PMB did not have hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.pmb import SHOWN
from harvest.crosswalk.pmbsql_tables import Base, Row

PLAIN = (0, 1)  # no status, and PMB's own « no particular status »: seen by all unless the dump says otherwise


def record(base: Base, status: int | None) -> bool:
    """Of a record. That of a status which the dump does not explain is not shown."""
    row = base.whole("notice_statut").get(status or 0)
    if row is None:
        return (status or 0) in PLAIN
    return bool(row["notice_visible_opac"]) and not row["notice_visible_opac_abon"]


def copy(base: Base, row: Row, status: int | None) -> dict[str, bool]:
    """By the columns of `catalogue.pmb.SHOWN`: those that say something. `status`: of the record it is a copy of."""
    said = {
        "statut_visible_opac": _shows(base, "docs_statut", row["expl_statut"], "statut_visible_opac"),
        "location_visible_opac": _shows(base, "docs_location", row["expl_location"], "location_visible_opac"),
        "section_visible_opac": _shows(base, "docs_section", row["expl_section"], "section_visible_opac"),
        "expl_visible_opac": _of_status(base, status, "expl_visible_opac"),
    }
    return {name: is_shown for name in SHOWN if (is_shown := said[name]) is not None}


def holding(base: Base, row: Row) -> bool:
    return _shows(base, "arch_statut", row["collstate_statut"], "archstatut_visible_opac") is not False


def file(base: Base, row: Row, status: int | None) -> bool:
    """A digital document that is seen but not to be read is not shown either: all we have of it is its address."""
    own = base.whole("explnum_statut").get(row["explnum_docnum_statut"] or 0)
    plain = row["explnum_docnum_statut"] in (None, *PLAIN)
    is_shown = plain if own is None else _says(own, "explnum_visible_opac") and _says(own, "explnum_consult_opac")
    return is_shown and _of_status(base, status, "explnum_visible_opac") is not False


def counts(base: Base) -> Iterator[tuple[str, int]]:
    """How much of a base its public does not see, by the code of what is said of it."""
    yield "pmbsql.hidden", sum(not record(base, row["statut"]) for row in base.select("SELECT statut FROM notices"))
    copies = base.select(_WITH_STATUS.format(table="exemplaires", notice="expl_notice", bulletin="expl_bulletin"))
    yield "pmbsql.hidden_copies", sum(not all(copy(base, row, row["of_record"]).values()) for row in copies)
    yield (
        "pmbsql.hidden_holdings",
        sum(not holding(base, row) for row in base.select("SELECT * FROM collections_state")),
    )
    files = base.select(_WITH_STATUS.format(table="explnum", notice="explnum_notice", bulletin="explnum_bulletin"))
    yield "pmbsql.hidden_files", sum(not file(base, row, row["of_record"]) for row in files)


# The status of the record that something hangs on: of an issue without one, its periodical's.
_WITH_STATUS = (
    "SELECT t.*, coalesce(n.statut, i.statut, s.statut) AS of_record FROM {table} t"
    " LEFT JOIN notices n ON n.notice_id = t.{notice} LEFT JOIN bulletins b ON b.bulletin_id = t.{bulletin}"
    " LEFT JOIN notices i ON i.notice_id = b.num_notice LEFT JOIN notices s ON s.notice_id = b.bulletin_notice"
)


def _of_status(base: Base, status: int | None, column: str) -> bool | None:
    """What the status of a record says of what hangs on it; a status that is not explained hides the record itself."""
    row = base.whole("notice_statut").get(status or 0)
    return None if row is None else _says(row, column)


def _shows(base: Base, table: str, number: int | None, column: str) -> bool | None:
    rows = base.whole(table)
    if not rows:
        return None
    row = rows.get(number or 0)
    return row is not None and _says(row, column)


def _says(row: Row, column: str) -> bool:
    """`…_opac` is 1 for what is shown, 0 for what is not; `…_opac_abon` is 1 for what only subscribers are shown."""
    for_subscribers = f"{column}_abon"
    return row[column] != 0 and not (for_subscribers in row.keys() and row[for_subscribers])  # noqa: SIM118
