"""The codes of a source, counted in everything it has sent: by the database, however many records that is.

What is counted is what each copy said when it was received, as the profile of that time read it. The page of the
source compares that with what the profile of today reads in the last records, and trusts these counts where both agree.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from catalogue import copies
from catalogue.models import Source, SourceRecord, SourceVersion
from catalogue.unimarc import Record

Codes = Counter[tuple[str, str]]  # (status, location, section or type; the code)


def count_all(session: Session, source: Source) -> Codes:
    """How often each code is said by the records of this source, as last received."""
    out: Codes = Counter()
    sqlite = session.get_bind().dialect.name == "sqlite"
    for name in copies.CODES:
        for value, n in session.execute(_said(source, SourceVersion.items, name, sqlite)):
            if value:
                out[name, value] += n
    # What a record itself says of its type: the subfields of its 099, as a text of JSON.
    for pairs, n in session.execute(_said(source, SourceVersion.fields, "s", sqlite, tag="099")):
        said = Record([{"t": "099", "s": json.loads(pairs)}] if pairs else [])
        for code in copies.codes_of(said):
            out[code] += n
    return out


def _said(source: Source, column: Any, name: str, sqlite: bool, tag: str = "") -> Select[str, int]:
    """What is called `name` in each thing of a list of the records, and how often."""
    one = (func.json_each if sqlite else func.jsonb_array_elements)(column).table_valued("value")

    def read(key: str) -> ColumnElement[Any]:
        return func.json_extract(one.c.value, f"$.{key}") if sqlite else func.jsonb_extract_path_text(one.c.value, key)

    value = read(name)
    statement = (
        select(value, func.count())
        .select_from(SourceRecord)
        .join(SourceVersion, SourceVersion.id == SourceRecord.latest_version_id)
        .join(one, SourceVersion.deleted.is_(False))
        .where(SourceRecord.source_id == source.id)
        .group_by(value)
    )
    return statement.where(read("t") == tag) if tag else statement
