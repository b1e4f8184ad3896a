"""A partner to harvest: an OAI-PMH server that speaks PMB's dialect, its faults included.

Left alone it behaves as a PMB 8 in good health does, which is already odd: `completeListSize` always 0,
`cursor` counting what is left, no token on the last page, `from` and `until` strict and without their
seconds, local time labelled Z, deleted headers with their parts in the wrong order, an unknown source
answered by 200 and nothing. `Faults` adds what a PMB in bad health does, and the road to it. One at a time
teaches most:

    with serve(partner_records()) as partner:
        partner.faults = Faults(cut_page=2)

or, from a browser while `python -m demo.partner` runs:  http://127.0.0.1:5001/demo/faults?cut_page=2
"""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any, ClassVar, Protocol

from werkzeug.serving import BaseWSGIServer, make_server

from catalogue.pmb import ITEM_TAGS, fields_from_header, local_type
from catalogue.unimarc import Field, Fields, typed
from demo import partner_faults, partner_records
from demo.partner_faults import Faults
from demo.partner_server import PATH, Errors, Handler, Server, shown_text
from export.pmbxml import notice_text

TOKEN_LIFE = timedelta(seconds=600)
DELETIONS_LAST = timedelta(days=2)  # where they are announced for a time ("transient")

_OPENING = """<?xml version="1.0" encoding="UTF-8" ?>
            <?xml-stylesheet type="text/xsl" href="connecteurs/out/oai/oai2.xsl" ?>
            <OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">
                <responseDate>{now}</responseDate>
                <request {verb}>{url}</request>"""
_VERBS = ("Identify", "ListSets", "ListMetadataFormats", "ListRecords", "ListIdentifiers", "GetRecord")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)Z)?")


class PartnerRecord(Protocol):
    """What `demo.generate.partner_records` makes: PMB's fields, the 995 and 996 of its copies among them."""

    @property
    def id(self) -> int: ...

    @property
    def fields(self) -> Fields: ...

    @property
    def datestamp(self) -> datetime: ...

    @property
    def deleted(self) -> bool: ...

    @property
    def dt(self) -> str: ...

    @property
    def bl(self) -> str: ...

    @property
    def hl(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a resumption token stands for. All of it: the verb of the next request no longer matters."""

    prefix: str
    since: datetime | None
    until: datetime | None
    set_number: int
    with_metadata: bool
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A record as PMB keeps it: local time, and the content that its inner cache saw first."""

    id: int
    fields: Fields
    datestamp: datetime
    deleted: bool
    dt: str
    bl: str
    hl: str
    cached: Fields


class Partner(Server):
    """One PMB and its sources: a WSGI application, with its records, its clock, its tokens and its faults.

    `source_id=1` is the source to harvest; 4 exists but was never filled in; others answer nothing.
    `sets` are baskets: number -> (name, record numbers, or None for the whole base).
    """

    formats: ClassVar[Mapping[str, tuple[str, str]]] = {
        "pmb_xml_unimarc": ("http://www.pmbservices.fr/notice.xsd", "http://www.pmbservices.fr"),
        "oai_dc": (
            "http://www.openarchives.org/OAI/2.0/oai_dc.xsd",
            "http://www.openarchives.org/OAI/2.0/oai_dc/",
        ),
    }
    granularity = "YYYY-MM-DDThh:mm:ssZ"

    def __init__(
        self,
        records: Iterable[PartnerRecord],
        *,
        faults: Faults | None = None,
        page_size: int = 100,
        repository: str = "demo.example.org",
        name: str = "Centre de documentation de démonstration",
        sets: Mapping[int, tuple[str, frozenset[int] | None]] | None = None,
        deletions: str = "persistent",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        shift: timedelta = timedelta(hours=1),
    ):
        super().__init__(faults, clock)
        self.page_size = page_size
        self.repository = repository
        self.name = name
        self.sets = dict(sets or {1: ("Toute la base", None)})
        self.deletions = deletions
        self.before_page: Callable[[int], None] = lambda page: None  # what its librarians do during a harvest
        self._shift = shift
        self._rows: dict[int, Row] = {}
        for record in records:
            self._keep(record)
        self._tokens: dict[str, tuple[Asked, datetime]] = {}
        self._made = 0

    # --- what its librarians do ---------------------------------------------------------------

    def revise(self, number: int, new_fields: Fields, at: datetime) -> None:
        """A record is edited. With `Faults.stale`, its old content goes on being served."""
        row = self._rows[number]
        date = row.datestamp if self.faults.no_date_change else self._local(at)
        self._rows[number] = replace(row, fields=new_fields, datestamp=date)

    def delete(self, number: int, at: datetime) -> None:
        self._rows[number] = replace(self._rows[number], deleted=True, datestamp=self._local(at))

    def restore(self, number: int, at: datetime) -> None:
        self._rows[number] = replace(self._rows[number], deleted=False, datestamp=self._local(at))

    def add(self, record: PartnerRecord) -> None:
        self._keep(record)

    def forget(self, *numbers: int) -> None:
        """Records are gone without a trace, as when a base is made anew."""
        for number in numbers:
            del self._rows[number]

    def rows(self) -> list[Row]:
        """Its records as its librarians see them, whatever it serves."""
        return [self._rows[number] for number in sorted(self._rows)]

    def expire_tokens(self) -> None:
        """Ten minutes go by."""
        self._tokens.clear()

    def _keep(self, r: PartnerRecord) -> None:
        stamp = self._local(r.datestamp)
        self._rows[r.id] = Row(r.id, r.fields, stamp, r.deleted, r.dt, r.bl, r.hl, r.fields)

    def _local(self, at: datetime) -> datetime:
        """PMB keeps local time and forgets which: a naive datetime is taken as local already."""
        if at.tzinfo is not None:
            at = at.astimezone(UTC).replace(tzinfo=None) + self._shift
        return at.replace(microsecond=0)

    def _envelope(self, verb: str, url: str, inside: str) -> str:
        shown = f'verb="{verb}"' if verb else ""
        now = _zulu(self._local(self._clock()))
        return _OPENING.format(now=now, verb=shown, url=shown_text(url)) + inside + "</OAI-PMH>"

    # --- OAI-PMH -------------------------------------------------------------------------------

    def _inside(self, verb: str, asked: dict[str, str], twice: bool, url: str) -> tuple[str, int]:
        """What stands in the envelope, and the number of the page where there are pages."""
        if verb not in _VERBS:
            raise Errors("badVerb")
        if twice:
            raise Errors("badArgument")
        match verb:
            case "Identify":
                if set(asked) - {"source_id", "verb", "database"}:
                    raise Errors("badArgument")
                return self._identify(url), 0
            case "ListSets":
                return self._list_sets(), 0
            case "ListMetadataFormats":
                return self._list_formats(asked.get("identifier")), 0
            case "GetRecord":
                return self._get_record(asked), 0
        return self._list(verb, asked)

    def _identify(self, url: str) -> str:
        stamps = [row.datestamp for row in self._rows.values()]
        earliest = min(stamps) if stamps else self._local(self._clock())
        return (
            f"<Identify><repositoryName>{shown_text(self.name)}</repositoryName><baseURL>{shown_text(url)}</baseURL>"
            "<protocolVersion>2.0</protocolVersion><adminEmail>doc@example.org</adminEmail>"
            f"<earliestDatestamp>{self._dated(earliest)}</earliestDatestamp>"
            f"<deletedRecord>{self.deletions}</deletedRecord><granularity>{self.granularity}</granularity>"
            """<description>
            <oai-identifier xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/oai-identifier \
http://www.openarchives.org/OAI/2.0/oai-identifier.xsd" \
xmlns="http://www.openarchives.org/OAI/2.0/oai-identifier">
                <scheme>oai</scheme>
"""
            f"                <repositoryIdentifier>{shown_text(self.repository)}</repositoryIdentifier>\n"
            "                <delimiter>:</delimiter>\n"
            f"                <sampleIdentifier>oai:{shown_text(self.repository)}:1</sampleIdentifier>\n"
            "            </oai-identifier>\n        </description></Identify>"
        )

    def _list_sets(self) -> str:
        sets = "".join(
            f"<set>\n                <setSpec>set_{number}</setSpec>\n"
            f"                <setName>{shown_text(name)}</setName>\n            </set>"
            for number, (name, _members) in self.sets.items()
        )
        return f"<ListSets>{sets}</ListSets>"

    def _list_formats(self, identifier: str | None) -> str:
        if identifier is not None:
            self._row(identifier)
        formats = "".join(
            f"<metadataFormat>\n                <metadataPrefix>{prefix}</metadataPrefix>\n"
            f"                <schema>{schema}</schema>\n"
            f"                <metadataNamespace>{namespace}</metadataNamespace>\n"
            "            </metadataFormat>"
            for prefix, (schema, namespace) in self.formats.items()
        )
        return f"<ListMetadataFormats>{formats}</ListMetadataFormats>"

    def _get_record(self, asked: dict[str, str]) -> str:
        if "identifier" not in asked or "metadataPrefix" not in asked:
            raise Errors("badArgument")
        prefix = self._prefix(asked)
        row = self._row(asked["identifier"])
        return f"<GetRecord>{self._record(row, prefix)}</GetRecord>"

    def _row(self, identifier: str) -> Row:
        """Only what follows the last colon counts: the identifier of another repository is as good."""
        number = identifier.rpartition(":")[2]
        row = self._rows.get(int(number)) if number.isdecimal() else None
        if row is None or row.deleted or row.id in self.faults.denied:
            raise Errors("idDoesNotExist")
        return row

    def _list(self, verb: str, asked: dict[str, str]) -> tuple[str, int]:
        token = asked.get("resumptionToken")
        wanted = self._resumed(token, asked) if token is not None else self._wanted(verb, asked)
        page = wanted.offset // self.page_size + 1
        if token and page == self.faults.expire_token_on_page and self._happens("expire"):
            raise Errors("badResumptionToken")
        if verb == "ListRecords":
            self.before_page(page)
        # Made anew for each page, as PMB does: what changes meanwhile shifts the pages.
        rows = list(self._selected(wanted, verb))
        start = wanted.offset
        if start and page == self.faults.shifted_page and self._happens("shift"):
            start -= 1
        shown = rows[start : start + self.page_size]
        if not shown:
            raise Errors("badResumptionToken" if token else "noRecordsMatch")
        out = "".join(self._listed(row, wanted) for row in shown)
        left = len(rows) - wanted.offset - self.page_size
        if left > 0:
            again = token if self.faults.repeat_token and token else None
            stays = bool(self.faults.turning_tokens and token)
            out += self._token(replace(wanted, offset=wanted.offset + self.page_size * (not stays)), left, again)
        elif token:
            out += self._last(verb)
        return f" <{verb}>{out} </{verb}>", page

    def _prefix(self, asked: dict[str, str]) -> str:
        """An empty one is Dublin Core; any conversion passes, be it of a format that exists nowhere."""
        prefix = asked["metadataPrefix"] or "oai_dc"
        if prefix not in self.formats and not prefix.startswith("convert"):
            raise Errors("cannotDisseminateFormat")
        return prefix

    def _bound(self, text: str | None) -> datetime | None:
        return _instant(text)

    def _wanted(self, verb: str, asked: dict[str, str]) -> Asked:
        if "metadataPrefix" not in asked:
            raise Errors("badArgument")
        prefix = self._prefix(asked)
        since, until = asked.get("from"), asked.get("until")
        if since and until and len(since) != len(until):
            raise Errors("badArgument")
        number = next(iter(self.sets))
        if "set" in asked:  # PMB looks at what follows the fourth character, whatever that is
            found = asked["set"][4:]
            if not found.isdecimal() or int(found) not in self.sets:
                raise Errors("noRecordsMatch", "noSetHierarchy")
            number = int(found)
        return Asked(prefix, self._bound(since), self._bound(until), number, verb == "ListRecords")

    def _resumed(self, token: str, asked: dict[str, str]) -> Asked:
        alone = not set(asked) - {"source_id", "verb", "resumptionToken", "database"}
        wanted, until = self._tokens.get(token, (None, None))
        valid = wanted is not None and until is not None and until > self._clock()
        if not alone:
            raise Errors("badArgument", *(() if valid else ("badResumptionToken",)))
        if wanted is None or not valid:
            raise Errors("badResumptionToken")
        return wanted

    def _selected(self, wanted: Asked, verb: str) -> Iterator[Row]:
        """The rows of a list, in its order: PMB announces the deleted ones last."""
        faults = self.faults
        hidden = {*faults.unlisted, *(faults.lost if verb == "ListRecords" else ())}
        ordered = [self._rows[number] for number in sorted(self._rows) if number not in hidden]
        rows = [row for row in ordered if self._within(row, wanted) and not self._forgotten(row)]
        if faults.empty_list:
            return
        for row in rows:
            if not row.deleted and row.id not in faults.false_deletions:
                yield row
                if row.id in faults.twice and verb == "ListRecords":
                    yield row
                if row.id in faults.two_contents and verb == "ListRecords":
                    yield replace(row, fields=_retitled(row.fields))
        if self.deletions != "no" and self._announces_deletions(wanted):
            yield from (replace(row, deleted=True) for row in rows if row.deleted or row.id in faults.false_deletions)

    def _forgotten(self, row: Row) -> bool:
        """Deleted longer ago than deletions are announced for."""
        since = self._local(self._clock()) - DELETIONS_LAST
        return row.deleted and self.deletions == "transient" and row.datestamp < since

    def _within(self, row: Row, wanted: Asked) -> bool:
        members = self.sets[wanted.set_number][1]
        if members is not None and row.id not in members:
            return False
        since = None if self.faults.from_ignored or row.id in self.faults.item_dates else wanted.since
        return self._after(row, since) and (wanted.until is None or row.datestamp < wanted.until)

    def _after(self, row: Row, since: datetime | None) -> bool:
        return since is None or since < row.datestamp

    def _announces_deletions(self, wanted: Asked) -> bool:
        return not self.faults.deletions_of_last_set_only or wanted.set_number == max(self.sets)

    def _token(self, wanted: Asked, left: int, again: str | None) -> str:
        expires = self._clock() + TOKEN_LIFE
        self._made += 1
        token = again or hashlib.sha256(f"{self.repository} {self._made}".encode()).hexdigest()[:32]
        if not again:
            self._tokens[token] = wanted, expires
        total, cursor = (left * 3 + 7, wanted.offset) if self.faults.wrong_total else (0, left)
        total = self.faults.constant_total or total
        return (
            f'<resumptionToken expirationDate="{_zulu(self._local(expires))}" completeListSize="{total}" '
            f'cursor="{cursor}">{token}</resumptionToken>'
        )

    def _last(self, verb: str) -> str:
        """What ends the last page of several: nothing."""
        return ""

    def _listed(self, row: Row, wanted: Asked) -> str:
        if row.deleted:  # in a <record> even among identifiers, and its parts in the wrong order
            return f"""<record>
                <header status="deleted">
                <identifier>{self._identifier(row)}</identifier>
                   {self._set_specs(row)}
                <datestamp>{self._dated(row.datestamp)}</datestamp>
                </header>
            </record>"""
        return self._record(row, wanted.prefix) if wanted.with_metadata else self._header(row)

    def _record(self, row: Row, prefix: str) -> str:
        is_ghost = row.id in self.faults.ghosts and not self.faults.ghosts_keep_content
        metadata = "" if is_ghost else self._metadata(row, prefix)
        return f"<record>{self._header(row)}<metadata>{metadata}</metadata></record>"

    def _dated(self, at: datetime) -> str:
        return _zulu(at)

    def _header(self, row: Row) -> str:
        stamp = "" if row.id in self.faults.ghosts else self._dated(row.datestamp)
        return f"""<header>
                <identifier>{self._identifier(row)}</identifier>
                <datestamp>{stamp}</datestamp>{self._set_specs(row)}</header>"""

    def _identifier(self, row: Row) -> str:
        if row.id in self.faults.no_identifier:
            return ""
        return f"oai:{shown_text(self.repository)}:{row.id}"

    def _set_specs(self, row: Row) -> str:
        numbers = [n for n, (_name, members) in self.sets.items() if members is None or row.id in members]
        numbers += [99] if self.faults.strange_set else []
        return "".join(f"<setSpec>set_{number}</setSpec>" for number in numbers)

    # --- one record ----------------------------------------------------------------------------

    def _metadata(self, row: Row, prefix: str) -> str:
        shown = self._fields(row, prefix)
        if prefix == "oai_dc" and row.id not in self.faults.pmb_in_dublin_core:
            return partner_records.dublin_core(shown, row.id)
        if prefix == "oai_dc":
            prefix = "pmb_xml_unimarc"
        if prefix == "pmb_xml_unimarc":
            return notice_text(shown, namespace=self.faults.namespace, with_214=self.faults.with_214)
        return ""  # a "convert_" that exists nowhere is accepted, and gives nothing

    def _fields(self, row: Row, prefix: str) -> Fields:
        """The record as this PMB writes it today: options, thumbnail, and the day of the export in 801."""
        stale = self.faults.stale and prefix == "pmb_xml_unimarc"
        said = row.cached if stale else row.fields
        if self.faults.leftovers:
            said = partner_faults.with_leftovers(said)
        if self.faults.with_009_dates:
            changed = row.datestamp.strftime("%Y-%m-%d %H:%M:%S")
            said = [{"t": "009", "i": "  ", "s": [["a", "2021-01-01"], ["u", changed]]}, *said]
        if row.id in self.faults.huge:
            said = [*said, {"t": "330", "i": "  ", "s": [["a", "x" * 20_000_000]]}]
        kind = "zz" if self.faults.unknown_type else row.dt
        out = fields_from_header({"rs": "n", "dt": kind, "bl": row.bl, "hl": row.hl, "el": "1", "ru": "i"})
        out.append({"t": "001", "v": str(row.id)})
        origin: Field = {"t": "801", "i": "  ", "s": [["a", "INTERNE"], ["b", "FR"]]}
        thumbnail: Field = {
            "t": "896",
            "i": "  ",
            "s": [["a", f"./opac_css/thumbnail.php?type=1&id={row.id}"]],
        }
        for f in said:
            if f["t"] == "801":
                origin = f
            elif f["t"] == "896":
                thumbnail = f
            elif not (f["t"] in ("000", "001", "214") or local_type(f) or self._left_out(f)):
                out.append(f)
        # Behind the classification and before copies, keywords and links, as PMB does.
        ends = (n for n, f in enumerate(out) if f["t"] in ("995", "610", "606") or "x" in f or typed(f, "lnk"))
        out.insert(next(ends, len(out)), thumbnail)
        today = self._local(self._clock()).strftime("%Y%m%d")
        pairs = [p for p in origin.get("s", []) if p[0] != "c"]
        return [*out, {"t": "801", "i": "  ", "s": [*pairs, ["c", today]]}]

    def _left_out(self, f: Field) -> bool:
        if f["t"] in ITEM_TAGS:
            return not self.faults.items
        return not self.faults.links and ("x" in f or bool(typed(f, "lnk")))


# --- values --------------------------------------------------------------------------------------


def _retitled(fields: Fields) -> Fields:
    other: Field = {"t": "200", "i": "1 ", "s": [["a", "Tout autre chose"]]}
    return [other if f["t"] == "200" else f for f in fields]


def _instant(text: str | None) -> datetime | None:
    """A date as PMB understands it: the seconds are dropped, and month 13 is January of the next year."""
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    if not found:
        raise Errors("badArgument")
    year, month, day, hour, minute = (int(part or 0) for part in found.groups()[:5])
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    try:
        return datetime(year, month, 1) + timedelta(days=day - 1, hours=hour, minutes=minute)
    except (ValueError, OverflowError):
        raise Errors("badArgument") from None


def _zulu(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- serving -------------------------------------------------------------------------------------


@dataclass
class RunningPartner:
    """A partner behind a real socket."""

    partner: Partner
    server: BaseWSGIServer
    thread: Thread

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def url(self) -> str:
        """What `travee source add` is given."""
        return f"http://127.0.0.1:{self.port}{PATH}?source_id=1"

    @property
    def faults(self) -> Faults:
        return self.partner.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.partner.faults = faults

    def stop(self) -> None:
        """The server is gone: connections are refused from now on."""
        self.server.shutdown()
        self.thread.join(timeout=10)
        self.server.server_close()


def start(
    records: Iterable[PartnerRecord], port: int = 0, *, kind: type[Partner] = Partner, **options: Any
) -> RunningPartner:
    """A partner running in a thread of its own, until `stop()`. Port 0 is any free port."""
    partner = kind(records, **options)
    server = make_server("127.0.0.1", port, partner, threaded=True, request_handler=Handler)
    # Looks for stop() often: a test that starts twenty partners must not wait half a second for each.
    thread = Thread(target=server.serve_forever, args=(0.02,), name="demo-partner", daemon=True)
    thread.start()
    return RunningPartner(partner, server, thread)


@contextmanager
def serve(records: Iterable[PartnerRecord], port: int = 0, **options: Any) -> Iterator[RunningPartner]:
    """The same for the length of a block."""
    running = start(records, port, **options)
    try:
        yield running
    finally:
        running.stop()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.partner", description="Un partenaire à moissonner.")
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--page-size", type=int, default=100)
    asked = parser.parse_args(arguments)
    from demo.generate import partner_records

    running = start(partner_records(), asked.port, page_size=asked.page_size)
    print(f"Partenaire de démonstration : {running.url}", flush=True)
    print(
        f"Ses pannes : http://127.0.0.1:{running.port}/demo/faults?cut_page=2 (reset=1 les retire)",
        flush=True,
    )
    try:
        running.thread.join()
    except KeyboardInterrupt:
        running.stop()


if __name__ == "__main__":
    main()
