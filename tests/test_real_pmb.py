"""Answers of a running PMB, replayed: every page is read, and every oddity ends as it should (PMB.md section 5.4).

The captures lie beside the project where a developer has them, one walk of our own in the same shape within it. The
captured walks have gaps: a token is answered by the next page there is.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug.wrappers import Request, Response

from catalogue import setup, sources
from catalogue.config import Settings
from catalogue.db import Database
from catalogue.models import Notice, SourceRecord, SourceVersion
from catalogue.problems import Refusal
from catalogue.unimarc import Record, control
from harvest import importer, payload, run
from harvest.oai_page import Answer, HarvestStopped, read_page

HERE = Path(__file__).parent
OURS = HERE / "data" / "oai"
SHARED = HERE.parent.parent / "shared" / "data"
LIVE = SHARED / "pmb" / "live"
NOTHING = b"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="%s"/></OAI-PMH>"""


def walk_of(source: str, what: str = "ListRecords_pmb_xml_unimarc") -> list[Path]:
    return sorted((LIVE / "pages").glob(f"{source}_{what}_p*.xml.gz"))


def body_of(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if path.suffix == ".gz" else raw


@dataclass
class Replayed:
    """A partner that gives captured answers: lists by verb, records by name."""

    identify: Path
    lists: dict[str, list[bytes]] = field(default_factory=dict)
    records: dict[str, bytes] = field(default_factory=dict)
    status: int = 200
    url: str = ""
    _left: dict[str, list[bytes]] = field(default_factory=dict)

    def __call__(self, request: Request) -> Response:
        verb = request.args["verb"]
        if verb == "Identify":
            return Response(self.identify.read_bytes(), mimetype="text/xml")
        if verb == "GetRecord":
            found = self.records.get(request.args["identifier"], NOTHING % b"idDoesNotExist")
            return Response(found, mimetype="text/xml")
        if "resumptionToken" not in request.args:
            self._left[verb] = list(self.lists.get(verb, ()))
        if not self._left[verb]:
            return Response(NOTHING % b"noRecordsMatch" if verb == "ListRecords" else b"", self.status)
        return Response(self._left[verb].pop(0), self.status, mimetype="text/xml")


@pytest.fixture
def replay(httpserver: HTTPServer) -> Callable[[Replayed], Replayed]:
    def serve(partner: Replayed) -> Replayed:
        httpserver.expect_request("/ws/connector_out.php").respond_with_handler(partner)
        partner.url = httpserver.url_for("/ws/connector_out.php?source_id=1")
        return partner

    return serve


@dataclass
class Ours:
    """Our base, which knows this partner."""

    database: Database
    settings: Settings

    def meet(self, partner: Replayed, *, file: Path | None = None, prefix: str = "") -> Ours:
        if file is not None:
            importer.import_file(self.database, file, source="RECI", status="published", by="claire")
        with self.database.write() as session:
            source = sources.for_file(session, "RECI")
            source.kind, source.url, source.prefix = "oai", partner.url, prefix
        return self

    def harvest(self) -> run.Report:
        report = run.harvest(self.database, self.settings, "RECI", full=True, sleep=lambda seconds: None)
        assert report.counts["received"] == sum(report.counts[name] for name in run.BALANCED)
        return report

    def candidates(self) -> list[str]:
        with self.database.read() as session:
            found = session.scalars(select(Notice.fields).where(Notice.status == "candidate").order_by(Notice.id))
            return [control(fields, "001") for fields in found]

    def latest(self, identifier: str) -> SourceVersion:
        with self.database.read() as session:
            return session.scalars(
                select(SourceVersion)
                .join(SourceRecord, SourceRecord.latest_version_id == SourceVersion.id)
                .where(SourceRecord.identifier == identifier)
            ).one()


@pytest.fixture
def ours(settings: Settings) -> Iterator[Ours]:
    setup.init(settings)
    database = Database(settings.url)
    yield Ours(database, settings)
    database.close()


# --- whole walks -----------------------------------------------------------------------------

FIXTURE = [OURS / "first_page.xml", OURS / "last_page.xml"]
WALKS = [(OURS / "identify.xml", FIXTURE, 2, ["oai:RECI:935"])]
WALKS += [(LIVE / "single" / f"{name}_Identify.xml", walk_of(name), 1624, []) for name in ("default",) if walk_of(name)]


@pytest.mark.parametrize(("identify", "walk", "new", "refused"), WALKS, ids=lambda value: getattr(value, "stem", ""))
def test_captured_walks_are_taken_in_whole(
    replay: Callable[[Replayed], Replayed], ours: Ours, identify: Path, walk: list[Path], new: int, refused: list[str]
) -> None:
    partner = replay(Replayed(identify, {"ListRecords": [body_of(page) for page in walk]}))
    report = ours.meet(partner).harvest()
    assert (report.status, report.counts["pages"], report.counts["new"]) == ("complete", len(walk), new)
    assert [r.identifier for r in report.refused] == refused


# A file and a walk of one base; the numbers of what was deleted before the file was written.
MEETINGS: list[tuple[Path, Path, list[Path], list[str]]] = [
    (OURS / "export.xml", OURS / "identify.xml", FIXTURE, ["40211"])
]
MEETINGS += [
    (path, LIVE / "single" / "full_Identify.xml", walk_of("full"), ["49", "935"])
    for path in (LIVE / "exports").glob("export_all_links_items.iso2709.mrc.gz")
]


@pytest.mark.parametrize(("file", "identify", "walk", "new"), MEETINGS, ids=lambda value: getattr(value, "stem", ""))
def test_a_captured_walk_after_the_file_of_the_same_base_brings_only_what_the_file_had_not(
    replay: Callable[[Replayed], Replayed], ours: Ours, file: Path, identify: Path, walk: list[Path], new: list[str]
) -> None:
    """And what the gaps of the walk leave out is known to be there, from the complete list of identifiers."""
    lists = {"ListRecords": [body_of(page) for page in walk]}
    if identifiers := walk_of("full", "ListIdentifiers"):
        lists["ListIdentifiers"] = [body_of(page) for page in identifiers if file.suffix == ".gz"]
    ours.meet(replay(Replayed(identify, lists)), file=file)
    report = ours.harvest()
    assert ours.candidates() == new
    if file.suffix == ".gz":
        assert (report.status, report.reason, report.params["count"]) == ("incomplete", "oai.missed", "800")
    else:
        assert report.status == "complete"


# --- oddities --------------------------------------------------------------------------------


def listed(path: Path) -> list[bytes]:
    """A captured GetRecord, as a list of one."""
    return [path.read_bytes().replace(b"GetRecord>", b"ListRecords>")]


def live(*names: str) -> list[tuple[Path, ...]]:
    """These captures, or nothing to run without them."""
    paths = tuple(LIVE / name for name in names)
    return [paths] if all(path.exists() for path in paths) else []


@pytest.mark.parametrize(
    ("before", "after"), live("incremental/edit_0_before_GetRecord.xml", "incremental/edit_1_after_GetRecord_pmb.xml")
)
def test_a_new_date_over_an_old_text_is_no_news(
    replay: Callable[[Replayed], Replayed], ours: Ours, before: Path, after: Path
) -> None:
    partner = replay(Replayed(LIVE / "single" / "full_Identify.xml", {"ListRecords": listed(before)}))
    assert ours.meet(partner).harvest().counts["new"] == 1
    partner.lists = {"ListRecords": listed(after)}
    report = ours.harvest()
    assert (report.status, report.counts["unchanged"], report.counts["updated"]) == ("complete", 1, 0)
    (record,) = read_page(Answer(after.read_bytes()), 1).records
    assert ours.latest(record.identifier).datestamp == record.datestamp


@pytest.mark.parametrize(
    ("capture",),
    [
        *live("incremental/del_1_before_refresh_GetRecord_935.xml"),
        *live("incremental/del_1_before_refresh_ListRecords_set2.xml"),
    ],
)
def test_ghosts_are_left_aside_by_name_and_asked_for_again(
    replay: Callable[[Replayed], Replayed], ours: Ours, capture: Path
) -> None:
    partner = replay(Replayed(LIVE / "single" / "full_Identify.xml", {"ListRecords": listed(capture)}))
    report = ours.meet(partner).harvest()
    ghosts = [r.identifier for r in report.refused if r.code == "harvest.ghost"]
    assert ghosts and report.status == "complete"
    partner.lists = {}
    ours.harvest()  # GetRecord says that they are no more
    with ours.database.read() as session:
        assert not {row.identifier for row, _name in sources.list_refused(session)} & set(ghosts)


@pytest.mark.parametrize(
    ("alive", "announced", "named"),
    live(
        "pages/full_ListRecords_pmb_xml_unimarc_p001.xml.gz",
        "incremental/del_3_two_sets_from.xml",
        "incremental/del_3_GetRecord_46.xml",
    ),
)
def test_a_living_record_that_is_announced_deleted_is_not_believed(
    replay: Callable[[Replayed], Replayed], ours: Ours, alive: Path, announced: Path, named: Path
) -> None:
    (living,) = read_page(Answer(named.read_bytes()), 1).records
    first = body_of(alive)
    partner = replay(Replayed(LIVE / "single" / "full_Identify.xml", {"ListRecords": [first]}))
    ours.meet(partner).harvest()
    partner.lists["ListRecords"] = [announced.read_bytes(), *partner.lists["ListRecords"]]
    partner.records = {living.identifier: named.read_bytes()}
    for _night in range(3):
        assert ours.harvest().counts["deleted_upstream"] >= 1
    assert not ours.latest(living.identifier).deleted


@pytest.mark.parametrize(("capture",), live("single/full_GetRecord_article_33_oai_dc.xml"))
def test_pmbs_own_xml_where_dublin_core_was_asked_is_read_as_what_it_is(
    replay: Callable[[Replayed], Replayed], ours: Ours, capture: Path
) -> None:
    partner = replay(Replayed(LIVE / "single" / "full_Identify.xml", {"ListRecords": listed(capture)}))
    report = ours.meet(partner, prefix="oai_dc").harvest()
    assert (report.status, report.counts["new"], report.refused) == ("complete", 1, [])
    (record,) = read_page(Answer(capture.read_bytes()), 1).records
    assert {f["t"] for f in ours.latest(record.identifier).fields} >= {"000", "200", "461"}


@pytest.mark.parametrize(
    ("capture", "status", "words"),
    [
        *((*paths, 200, "une page vide") for paths in live("errors/err_unknown_source.xml")),
        *(
            (*paths, 500, "sa liste de notices échoue (HTTP 500")
            for paths in live("errors/stock_php82_ListRecords_pmb_xml_unimarc.xml")
        ),
    ],
)
def test_an_answer_without_a_byte_is_told(
    replay: Callable[[Replayed], Replayed], ours: Ours, capture: Path, status: int, words: str
) -> None:
    lists = {"ListRecords": [capture.read_bytes()] * 9}
    partner = replay(Replayed(LIVE / "single" / "full_Identify.xml", lists, status=status))
    report = ours.meet(partner).harvest()
    assert report.status == "incomplete" and words in report.sentence


# --- payloads of other servers ---------------------------------------------------------------

OTHERS = [
    *([LIVE / "single" / name for name in ("full_GetRecord_mono_1_oai_dc.xml",) if (LIVE / "single" / name).exists()]),
    *sorted((LIVE / "pages").glob("*_oai_dc_p001.xml.gz")),
    *sorted((LIVE / "single").glob("*convert*.xml")),
    *sorted((SHARED / "oai").rglob("*.xml")),
]


@pytest.mark.parametrize("path", [OURS / "first_page.xml", *OTHERS], ids=lambda p: f"{p.parent.name}-{p.name}")
def test_each_record_of_any_server_is_read_or_refused_with_a_sentence(path: Path) -> None:
    try:
        page = read_page(Answer(body_of(path)), 1, host="pmb.example")
    except HarvestStopped as stopped:
        assert len(stopped.code) > 4  # its words: test_oai
        return
    for n, record in enumerate(page.records, 1):
        if record.payload is None or payload.root_of(record.payload) not in payload.READERS:
            continue
        read = payload.read(record.payload, n, {})
        if isinstance(read, Refusal):
            assert len(read.sentence()) > 20 and "{" not in read.sentence()
        else:
            assert isinstance(read, Record) and read.fields
