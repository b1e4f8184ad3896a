"""The copies of a PMB base: 995 and 996 as PMB writes them, 999 for the fields of the centre.

PMB leaves a copy out of its exports when one of its labels is missing; here it comes in with what is known.
`expl_prix`, `expl_nbparts` and whether the public sees the copy stand with PMB's own raw `$9 column:value`: no
export has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalogue.pmb import item_from_fields
from catalogue.unimarc import Field, RecordItem
from harvest.crosswalk import pmbsql_custom, pmbsql_visible
from harvest.crosswalk.pmbsql_tables import Base, Row, field, said

NO_DAY = "0000-00-00"
# Which table and column say the word behind each number of a copy, with its import code.
_LABELS = {
    "owner": ("lenders", "expl_owner", "lender_libelle", ""),
    "location": ("docs_location", "expl_location", "location_libelle", "locdoc_codage_import"),
    "section": ("docs_section", "expl_section", "section_libelle", "sdoc_codage_import"),
    "support": ("docs_type", "expl_typdoc", "tdoc_libelle", "tdoc_codage_import"),
    "status": ("docs_statut", "expl_statut", "statut_libelle", "statusdoc_codage_import"),
    "statistics": ("docs_codestat", "expl_codestat", "codestat_libelle", "statisdoc_codage_import"),
}


def items_of(base: Base, column: str, owners: Mapping[int, int | None]) -> dict[int, tuple[RecordItem, ...]]:
    """The copies of these records (`expl_notice`) or issues (`expl_bulletin`), each with the status of its record."""
    found = base.get("exemplaires", column, owners, "expl_id")
    numbers = [row["expl_id"] for rows in found.values() for row in rows]
    custom = pmbsql_custom.values_of(base, "expl", numbers)
    return {owner: tuple(_item(base, row, owners[owner], custom) for row in rows) for owner, rows in found.items()}


def _item(base: Base, row: Row, status: int | None, custom: pmbsql_custom.Values) -> RecordItem:
    words: dict[str, tuple[str, str]] = {}
    for what, (table, column, label, code) in _LABELS.items():
        found = base.whole(table).get(row[column] or 0)
        words[what] = said(found, label), said(found, code) if code else ""
    lendable = base.whole("docs_statut").get(row["expl_statut"] or 0)
    barcode = said(row, "expl_cb")
    shown = [f"{column}:{int(is_shown)}" for column, is_shown in pmbsql_visible.copy(base, row, status).items()]
    fields: list[Field] = [
        *field("995", "  ", _995(row, words)),
        *field("996", "  ", [*_996(row, words, lendable), ("9", [*_raw(row, words, lendable), *shown])]),
        *pmbsql_custom.fields_of(custom, row["expl_id"], "999", barcode),
    ]
    return item_from_fields(fields)


def _995(row: Row, words: Mapping[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [
        ("a", words["owner"][0]),
        ("c", words["owner"][0]),
        ("f", said(row, "expl_cb")),
        ("k", said(row, "expl_cote")),
        ("u", said(row, "expl_note")),
        ("o", words["status"][1]),
        ("r", words["support"][1] or "uu"),
        ("q", words["section"][1] or "u"),
    ]


def _996(row: Row, words: Mapping[str, tuple[str, str]], lendable: Row | None) -> list[tuple[str, str]]:
    pairs = [
        ("f", said(row, "expl_cb")),
        ("k", said(row, "expl_cote")),
        ("u", said(row, "expl_note")),
        ("m", said(row, "expl_date_depot").replace("-", "")),
        ("n", said(row, "expl_date_retour").replace("-", "")),
        ("a", words["owner"][0]),
        ("b", str(row["expl_owner"] or "")),
    ]
    for codes, what in (("vw", "location"), ("xy", "section"), ("er", "support"), ("12", "status")):
        pairs += zip(codes, words[what], strict=True)
    return [*pairs, ("3", said(lendable, "pret_flag"))]


def _raw(row: Row, words: Mapping[str, tuple[str, str]], lendable: Row | None) -> Sequence[str]:
    """Columns as they are, in the order of PMB's own list."""
    values: list[tuple[str, object]] = [
        ("expl_id", row["expl_id"]),
        ("create_date", row["create_date"]),
        ("expl_cb", row["expl_cb"]),
        ("expl_cote", row["expl_cote"]),
        ("expl_statut", row["expl_statut"]),
        *_label("status", words),
        ("expl_typdoc", row["expl_typdoc"]),
        *_label("support", words),
        ("expl_note", row["expl_note"]),
        ("expl_comment", row["expl_comment"]),
        ("expl_section", row["expl_section"]),
        *_label("section", words),
        ("expl_owner", row["expl_owner"]),
        *_label("owner", words),
        *_label("statistics", words),
        ("expl_date_retour", row["expl_date_retour"]),
        ("expl_date_depot", row["expl_date_depot"]),
        ("pret_flag", lendable["pret_flag"] if lendable is not None else ""),
        *_label("location", words),
        ("expl_prix", said(row, "expl_prix")),
        ("expl_nbparts", "" if said(row, "expl_nbparts") == "1" else said(row, "expl_nbparts")),
    ]
    kept = ((name, str(value)) for name, value in values if value is not None)
    return [f"{name}:{value}" for name, value in kept if value.strip() and value != NO_DAY]


def _label(what: str, words: Mapping[str, tuple[str, str]]) -> list[tuple[str, object]]:
    _table, _column, label, code = _LABELS[what]
    return [(label, words[what][0]), *([(code, words[what][1])] if code else [])]
