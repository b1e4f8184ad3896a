"""A partner that does as OAI-PMH 2.0 says: what a clean server is like, beside PMB's dialect.

`from` and `until` include their bounds and are in the granularity announced, time is UTC, counters are right, the
last page has an empty token, deletions stand among the others and GetRecord tells them. It gives Dublin Core and
UNIMARC in MARCXML. The road to it has the same faults: `demo.partner_faults`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from demo import partner_records
from demo.partner import Asked, Partner, PartnerRecord, Row
from demo.partner_server import Errors
from export.marcxml import NAMESPACE


class Standard(Partner):
    formats: ClassVar[Mapping[str, tuple[str, str]]] = {
        "marcxml": ("http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd", NAMESPACE),
        "oai_dc": Partner.formats["oai_dc"],
    }

    def __init__(self, records: Iterable[PartnerRecord], *, by_day: bool = False, **options: Any) -> None:
        super().__init__(records, **{"shift": timedelta(0), **options})
        self.granularity = "YYYY-MM-DD" if by_day else "YYYY-MM-DDThh:mm:ssZ"

    def _prefix(self, asked: dict[str, str]) -> str:
        if asked["metadataPrefix"] not in self.formats:
            raise Errors("cannotDisseminateFormat")
        return asked["metadataPrefix"]

    def _dated(self, at: datetime) -> str:
        return f"{at:%Y-%m-%d}" if len(self.granularity) == 10 else f"{at:%Y-%m-%dT%H:%M:%SZ}"

    def _bound(self, text: str | None) -> datetime | None:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
        except ValueError:
            raise Errors("badArgument") from None

    def _after(self, row: Row, since: datetime | None) -> bool:
        if since is None:
            return True
        return self._dated(row.datestamp) >= self._dated(since)

    def _selected(self, wanted: Asked, verb: str) -> Iterator[Row]:
        yield from sorted(super()._selected(wanted, verb), key=lambda row: row.id)

    def _token(self, wanted: Asked, left: int, again: str | None) -> str:
        token = super()._token(wanted, left, again)
        total = self.faults.constant_total or wanted.offset + left
        return token.replace('completeListSize="0"', f'completeListSize="{total}"')

    def _last(self, verb: str) -> str:
        return "<resumptionToken/>"

    def _listed(self, row: Row, wanted: Asked) -> str:
        if not row.deleted:
            return super()._listed(row, wanted)
        header = self._header(row).replace("<header>", '<header status="deleted">')
        return f"<record>{header}</record>" if wanted.with_metadata else header

    def _get_record(self, asked: dict[str, str]) -> str:
        number = asked.get("identifier", "").rpartition(":")[2]
        row = self._rows.get(int(number)) if number.isdecimal() else None
        if row is None or "metadataPrefix" not in asked:
            return super()._get_record(asked)
        prefix = self._prefix(asked)
        wanted = Asked(prefix, None, None, 1, with_metadata=True)
        return f"<GetRecord>{self._listed(row, wanted)}</GetRecord>"

    def _metadata(self, row: Row, prefix: str) -> str:
        shown = self._fields(row, prefix)
        return partner_records.dublin_core(shown, row.id) if prefix == "oai_dc" else partner_records.marc_xml(shown)
