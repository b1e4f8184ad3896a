"""The demo partner: what its PMB says over real HTTP, in health and with each of its faults."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from lxml import etree

from catalogue.unimarc import Field, Fields, Record, values
from demo import partner as module
from demo.partner import Faults, Partner, RunningPartner, main, serve
from demo.partner_standard import Standard
from harvest import payload
from harvest.crosswalk.pmbxml import from_element

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
OAI = {"o": "http://www.openarchives.org/OAI/2.0/"}
PMB = "pmb_xml_unimarc"


@dataclass
class Kept:
    """A record of the partner's base."""

    id: int
    fields: Fields
    datestamp: datetime = datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC)
    deleted: bool = False
    dt: str = "a"
    bl: str = "m"
    hl: str = "0"


@dataclass
class Clock:
    """Noon, until somebody moves it."""

    now: datetime = NOON
    offset: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return self.now + self.offset


def title(text: str) -> Fields:
    return [{"t": "200", "i": "1 ", "s": [["a", text]]}]


def base(size: int = 25) -> list[Kept]:
    return [Kept(n, title(f"Notice {n}")) for n in range(1, size + 1)]


ARTICLE: list[Field] = [
    *title("Le relogement en question"),
    {"t": "210", "i": "  ", "s": [["d", "2024"], ["h", "2024-02-01"]]},
    {"t": "700", "i": " 1", "s": [["a", "Fictive"], ["b", "Jeanne"], ["4", "070"]]},
    {"t": "710", "i": "02", "s": [["a", "Atelier du bâti"], ["4", "070"]]},
    {"t": "606", "i": " 1", "s": [["9", "id:812"], ["a", "Relogement"]]},
    {"t": "461", "x": "77", "i": "  ", "s": [["t", "Gazette fictive"], ["9", "id:77"], ["9", "lnk:perio"]]},
    {"t": "995", "i": "  ", "s": [["f", "GF212"], ["k", "P GAZ"]]},
    {"t": "996", "i": "  ", "s": [["f", "GF212"], ["v", "Espace doc"]]},
    {"t": "801", "i": "  ", "s": [["a", "IREV"], ["b", "FR"], ["c", "20200101"]]},
]

Make = Callable[..., "Visitor"]


@dataclass
class Visitor:
    """A harvester's eyes: asks, and reads what comes."""

    running: RunningPartner
    clock: Clock

    @property
    def partner(self) -> Partner:
        return self.running.partner

    def get(self, **arguments: str) -> requests.Response:
        arguments = {name.rstrip("_"): value for name, value in arguments.items()}
        return requests.get(self.running.url, params=arguments, timeout=10, allow_redirects=False)

    def ask(self, **arguments: str) -> etree._Element:
        return etree.fromstring(self.get(**arguments).content)

    def errors(self, **arguments: str) -> list[str]:
        return [e.get("code") for e in self.ask(**arguments).findall("o:error", OAI)]

    def identifiers(self, **arguments: str) -> list[int]:
        """The record numbers of a whole list, following the tokens."""
        arguments = {"verb": "ListIdentifiers", "metadataPrefix": PMB, **arguments}
        numbers: list[int] = []
        for _turn in range(20):
            page = self.ask(**arguments)
            numbers += numbers_in(page)
            token = page.findtext(".//o:resumptionToken", None, OAI)
            if not token:
                return numbers
            arguments = {"verb": arguments["verb"], "resumptionToken": token}
        raise AssertionError("an endless list")

    def record(self, number: int) -> Record:
        page = self.ask(verb="GetRecord", metadataPrefix=PMB, identifier=f"oai:demo.example.org:{number}")
        record = from_element(next(page.iter("{*}notice")), 1)
        assert isinstance(record, Record)
        return record


def numbers_in(page: etree._Element) -> list[int]:
    return [int(e.text.rpartition(":")[2]) for e in page.findall(".//o:header/o:identifier", OAI)]


def token_of(page: etree._Element) -> etree._Element:
    token = page.find(".//o:resumptionToken", OAI)
    assert token is not None
    return token


@pytest.fixture
def visit() -> Iterator[Make]:
    opened = []

    def make(records: list[Kept] | None = None, **options: Any) -> Visitor:
        clock = Clock()
        options = {"page_size": 10, "clock": clock, **options}
        context = serve(records if records is not None else base(), **options)
        opened.append(context)
        return Visitor(context.__enter__(), clock)

    yield make
    for context in opened:
        context.__exit__(None, None, None)


# --- in good health ---------------------------------------------------------------------------


def test_a_list_comes_in_pages_and_the_last_one_has_no_token(visit: Make) -> None:
    assert visit().identifiers() == list(range(1, 26))


def test_a_token_is_32_signs_and_its_numbers_are_not_to_be_believed(visit: Make) -> None:
    token = token_of(visit().ask(verb="ListRecords", metadataPrefix=PMB))
    assert re.fullmatch(r"[0-9a-f]{32}", token.text)
    assert token.get("completeListSize") == "0"
    assert token.get("cursor") == "15"  # what is left, not where we are
    assert token.get("expirationDate") == "2026-03-02T13:10:00Z"


def test_a_page_is_written_as_pmb_writes_it(visit: Make) -> None:
    visitor = visit(base(1))
    answer = visitor.get(verb="ListIdentifiers", metadataPrefix=PMB)
    assert answer.headers["Content-Type"] == "text/xml;charset=utf-8"
    assert answer.text == (
        '<?xml version="1.0" encoding="UTF-8" ?>\n'
        '            <?xml-stylesheet type="text/xsl" href="connecteurs/out/oai/oai2.xsl" ?>\n'
        '            <OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.openarchives.org/OAI/2.0/ '
        'http://www.openarchives.org/OAI/2.0/OAI-PMH.xsd">\n'
        "                <responseDate>2026-03-02T13:00:00Z</responseDate>\n"
        f'                <request verb="ListIdentifiers">{visitor.running.url}</request>'
        " <ListIdentifiers><header>\n"
        "                <identifier>oai:demo.example.org:1</identifier>\n"
        "                <datestamp>2026-03-01T11:20:30Z</datestamp><setSpec>set_1</setSpec></header>"
        " </ListIdentifiers></OAI-PMH>"
    )


def test_local_time_is_labelled_z_and_only_the_date_header_tells(visit: Make) -> None:
    answer = visit().get(verb="Identify")
    said = datetime.fromisoformat(re.findall(r"<responseDate>(.*?)</responseDate>", answer.text)[0])
    assert said - parsedate_to_datetime(answer.headers["Date"]) == timedelta(hours=1)


def test_identify_says_who_and_since_when_and_refuses_any_other_argument(visit: Make) -> None:
    visitor = visit()
    page = visitor.ask(verb="Identify")
    assert page.findtext(".//o:earliestDatestamp", None, OAI) == "2026-03-01T11:20:30Z"
    assert page.findtext(".//o:deletedRecord", None, OAI) == "persistent"
    assert page.findtext(".//o:baseURL", None, OAI) == visitor.running.url
    assert visitor.errors(verb="Identify", metadataPrefix=PMB) == ["badArgument"]


def test_sets_and_formats_are_listed(visit: Make) -> None:
    visitor = visit(sets={1: ("Toute la base", None), 2: ("Nouveautés", frozenset({3, 4}))})
    names = [e.text for e in visitor.ask(verb="ListSets").findall(".//o:setName", OAI)]
    assert names == ["Toute la base", "Nouveautés"]
    formats = visitor.ask(verb="ListMetadataFormats").findall(".//o:metadataPrefix", OAI)
    assert [e.text for e in formats] == [PMB, "oai_dc"]
    assert visitor.identifiers(set="set_2") == [3, 4]
    assert visitor.identifiers(set="abcd2") == [3, 4]  # only what follows the fourth sign counts


def test_a_record_has_its_header_elements_its_number_and_the_day_of_the_export(visit: Make) -> None:
    visitor = visit([Kept(7, ARTICLE, bl="a", hl="2", dt="d1")])
    record = visitor.record(7)
    assert record.control_number == "7"
    assert record.fields[0]["v"] == "     naa2 22     1i 450 "
    assert values(record.fields, "099", "t") == ["d1"]
    assert values(record.fields, "801", "abc") == ["IREV", "FR", "20260302"]
    assert len(values(record.fields, "896", "a")) == 1


def test_the_identifier_of_another_repository_is_as_good(visit: Make) -> None:
    page = visit().ask(verb="GetRecord", metadataPrefix=PMB, identifier="oai:ailleurs.example:3")
    assert page.findtext(".//o:identifier", None, OAI) == "oai:demo.example.org:3"


def test_dublin_core_loses_bodies_keywords_and_host(visit: Make) -> None:
    text = visit([Kept(7, ARTICLE)]).get(verb="ListRecords", metadataPrefix="oai_dc").text
    assert "<dc:title>Le relogement en question</dc:title>" in text
    assert "<dc:creator>Fictive, Jeanne</dc:creator>" in text
    assert "Atelier du bâti" not in text
    assert "Gazette fictive" not in text
    etree.fromstring(text.encode())


def test_options_of_the_source_leave_out_copies_links_and_the_second_publisher(visit: Make) -> None:
    visitor = visit([Kept(7, ARTICLE)])
    ask = {"verb": "ListRecords", "metadataPrefix": PMB}

    def tags() -> list[str]:
        return [f.get("c") for f in visitor.ask(**ask).iter("{*}f")]

    assert {"995", "996", "461", "214"} <= set(tags())
    visitor.running.faults = Faults(items=False, links=False, with_214=False)
    assert not {"995", "996", "461", "214"} & set(tags())
    visitor.running.faults = Faults(namespace=True)
    assert next(visitor.ask(**ask).iter("{*}notice")).tag == "{http://www.pmbservices.fr}notice"


def test_from_and_until_are_strict_and_forget_their_seconds(visit: Make) -> None:
    # One record on 1 March at 11:20:30 local time, one a day later at midnight exactly.
    midnight = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    visitor = visit([Kept(1, title("Un")), Kept(2, title("Deux"), datestamp=midnight)])
    assert visitor.identifiers(from_="2026-03-01") == [1, 2]
    assert visitor.identifiers(from_="2026-03-01T11:20:59Z") == [1, 2]
    assert visitor.identifiers(from_="2026-03-01T11:21:00Z") == [2]
    assert visitor.errors(verb="ListIdentifiers", metadataPrefix=PMB, from_="2026-03-02") == ["noRecordsMatch"]
    assert visitor.identifiers(until="2026-03-02") == [1]
    same_day = {"from_": "2026-03-01", "until": "2026-03-01"}
    assert visitor.errors(verb="ListIdentifiers", metadataPrefix=PMB, **same_day) == ["noRecordsMatch"]
    assert visitor.identifiers(from_="2025-13-01") == [1, 2]  # January 2026


def test_a_deleted_record_is_announced_last_with_its_header_in_the_wrong_order(visit: Make) -> None:
    visitor = visit(base(3))
    visitor.partner.delete(2, NOON)
    page = visitor.ask(verb="ListIdentifiers", metadataPrefix=PMB)
    assert numbers_in(page) == [1, 3, 2]
    header = page.find(".//o:record/o:header", OAI)
    assert header is not None
    assert header.get("status") == "deleted"
    assert [etree.QName(e).localname for e in header] == ["identifier", "setSpec", "datestamp"]
    assert visitor.errors(verb="GetRecord", metadataPrefix=PMB, identifier="x:2") == ["idDoesNotExist"]


def test_a_partner_that_keeps_no_deletions_says_nothing_of_them(visit: Make) -> None:
    visitor = visit(base(3), deletions="no")
    visitor.partner.delete(2, NOON)
    assert visitor.identifiers() == [1, 3]


def test_an_edited_record_changes_its_date_and_its_content(visit: Make) -> None:
    visitor = visit(base(3))
    visitor.partner.revise(2, title("Corrigée"), NOON)
    assert visitor.identifiers(from_="2026-03-02") == [2]
    assert values(visitor.record(2).fields, "200", "a") == ["Corrigée"]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ({}, ["badVerb"]),
        ({"verb": "identify"}, ["badVerb"]),
        ({"verb": "ListRecords"}, ["badArgument"]),
        ({"verb": "ListRecords", "metadataPrefix": "marc21"}, ["cannotDisseminateFormat"]),
        (
            {
                "verb": "ListRecords",
                "metadataPrefix": PMB,
                "from_": "2026-01-01",
                "until": "2026-01-02T00:00:00Z",
            },
            ["badArgument"],
        ),
        ({"verb": "ListRecords", "metadataPrefix": PMB, "from_": "hier"}, ["badArgument"]),
        (
            {"verb": "ListRecords", "metadataPrefix": PMB, "set": "set_9"},
            ["noRecordsMatch", "noSetHierarchy"],
        ),
        ({"verb": "ListRecords", "resumptionToken": "0" * 32}, ["badResumptionToken"]),
        (
            {"verb": "ListRecords", "resumptionToken": "0" * 32, "metadataPrefix": PMB},
            ["badArgument", "badResumptionToken"],
        ),
        ({"verb": "GetRecord", "metadataPrefix": PMB}, ["badArgument"]),
        ({"verb": "GetRecord", "identifier": "x:1"}, ["badArgument"]),
        ({"verb": "GetRecord", "metadataPrefix": PMB, "identifier": "x:999"}, ["idDoesNotExist"]),
        ({"verb": "GetRecord", "metadataPrefix": PMB, "identifier": "n'importe quoi"}, ["idDoesNotExist"]),
        ({"verb": "ListMetadataFormats", "identifier": "x:999"}, ["idDoesNotExist"]),
        ({"verb": "ListRecords", "metadataPrefix": PMB, "colour": "red"}, []),
    ],
)
def test_what_is_asked_wrongly_is_refused_with_pmbs_codes(
    visit: Make, arguments: dict[str, str], codes: list[str]
) -> None:
    assert visit().errors(**arguments) == codes


def test_errors_are_told_in_french_and_lose_the_verb(visit: Make) -> None:
    text = visit().get(verb="ListRecords", metadataPrefix="marc21").text
    assert "marc21 n&apos;est pas un format supporté par cet entrepot" in text
    assert "<request >" in text


def test_an_argument_given_twice_is_refused(visit: Make) -> None:
    visitor = visit()
    answer = requests.get(visitor.running.url + "&verb=Identify&verb=Identify", timeout=10)
    assert 'code="badArgument"' in answer.text


def test_an_empty_prefix_means_dublin_core_and_an_unknown_conversion_gives_nothing(visit: Make) -> None:
    visitor = visit()
    assert "<oai_dc:dc" in visitor.get(verb="ListRecords", metadataPrefix="").text
    assert "<metadata></metadata>" in visitor.get(verb="ListRecords", metadataPrefix="convert_toto").text


@pytest.mark.parametrize("query", ["?source_id=99&verb=Identify", "?verb=Identify"])
def test_an_unknown_source_answers_200_and_nothing(visit: Make, query: str) -> None:
    answer = requests.get(visit().running.url.split("?")[0] + query, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_source_that_was_never_filled_in_says_so(visit: Make) -> None:
    address = visit().running.url.replace("source_id=1", "source_id=4")
    assert 'code="unconfigured"' in requests.get(address + "&verb=Identify", timeout=10).text


def test_a_post_is_as_good_as_a_get(visit: Make) -> None:
    visitor = visit(base(3))
    form = {"verb": "ListIdentifiers", "metadataPrefix": PMB}
    posted = requests.post(visitor.running.url, data=form, timeout=10)
    assert numbers_in(etree.fromstring(posted.content)) == [1, 2, 3]


def test_an_answer_is_compressed_when_asked(visit: Make) -> None:
    address = visit().running.url + "&verb=Identify"
    with requests.get(address, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=10) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"<Identify>" in gzip.decompress(answer.raw.read())
    with requests.get(address, headers={"Accept-Encoding": "identity"}, stream=True, timeout=10) as answer:
        assert "Content-Encoding" not in answer.headers


def test_a_token_works_again_and_with_another_verb(visit: Make) -> None:
    visitor = visit()
    token = token_of(visitor.ask(verb="ListRecords", metadataPrefix=PMB)).text
    again = [numbers_in(visitor.ask(verb="ListRecords", resumptionToken=token)) for _ in range(2)]
    assert again == [list(range(11, 21))] * 2
    other = visitor.ask(verb="ListIdentifiers", resumptionToken=token)
    assert len(other.findall(".//o:ListIdentifiers/o:record/o:metadata", OAI)) == 10


def test_a_token_expires_after_ten_minutes(visit: Make) -> None:
    visitor = visit()
    token = token_of(visitor.ask(verb="ListRecords", metadataPrefix=PMB)).text
    visitor.clock.offset = timedelta(minutes=11)
    assert visitor.errors(verb="ListRecords", resumptionToken=token) == ["badResumptionToken"]


def test_a_record_deleted_during_the_harvest_shifts_the_pages(visit: Make) -> None:
    visitor = visit(deletions="no")
    token = token_of(visitor.ask(verb="ListIdentifiers", metadataPrefix=PMB)).text
    visitor.partner.delete(1, NOON)
    assert 11 not in numbers_in(visitor.ask(verb="ListIdentifiers", resumptionToken=token))


# --- in bad health ----------------------------------------------------------------------------


def test_it_asks_to_come_back_later_then_answers(visit: Make) -> None:
    visitor = visit(faults=Faults(refuse_first_n_with_503=2))
    answers = [visitor.get(verb="ListRecords", metadataPrefix=PMB) for _ in range(3)]
    assert [a.status_code for a in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "10"
    assert "<error" not in answers[0].text
    assert "<ListRecords>" not in answers[0].text


def test_a_refreshing_set_does_not_block_identify(visit: Make) -> None:
    visitor = visit(faults=Faults(refuse_first_n_with_503=9))
    assert visitor.get(verb="Identify").status_code == 200
    assert visitor.get(verb="ListIdentifiers", metadataPrefix=PMB).status_code == 200


def test_later_can_be_a_date(visit: Make) -> None:
    visitor = visit(faults=Faults(refuse_first_n_with_503=1, retry_after=90, retry_after_as_date=True))
    later = visitor.get(verb="ListRecords", metadataPrefix=PMB).headers["Retry-After"]
    assert parsedate_to_datetime(later) == NOON + timedelta(seconds=90)


def test_a_web_page_comes_with_status_200(visit: Make) -> None:
    visitor = visit(faults=Faults(html_with_200_on_page=1))
    answer = visitor.get(verb="ListRecords", metadataPrefix=PMB)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "maintenance" in answer.text


def test_a_page_is_cut_in_the_middle(visit: Make) -> None:
    visitor = visit(faults=Faults(cut_page=2))
    token = token_of(visitor.ask(verb="ListRecords", metadataPrefix=PMB)).text
    cut = visitor.get(verb="ListRecords", resumptionToken=token)
    assert cut.status_code == 200
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(cut.content)


def test_a_fault_that_happens_once_lets_the_second_try_through(visit: Make) -> None:
    visitor = visit(faults=Faults(cut_page=1, times=1))
    with pytest.raises(etree.XMLSyntaxError):
        visitor.identifiers()
    assert visitor.identifiers() == list(range(1, 26))


def test_a_token_can_come_back_for_ever(visit: Make) -> None:
    visitor = visit(faults=Faults(repeat_token=True))
    with pytest.raises(AssertionError, match="endless"):
        visitor.identifiers()


def test_a_token_can_expire_before_its_page(visit: Make) -> None:
    visitor = visit(faults=Faults(expire_token_on_page=3))
    second = token_of(visitor.ask(verb="ListRecords", metadataPrefix=PMB)).text
    third = token_of(visitor.ask(verb="ListRecords", resumptionToken=second)).text
    assert visitor.errors(verb="ListRecords", resumptionToken=third) == ["badResumptionToken"]


def test_a_total_can_be_wrong(visit: Make) -> None:
    token = token_of(visit(faults=Faults(wrong_total=True)).ask(verb="ListRecords", metadataPrefix=PMB))
    assert token.get("completeListSize") not in ("0", "25")


def test_a_shifted_page_shows_one_record_twice_and_another_never(visit: Make) -> None:
    numbers = visit(faults=Faults(shifted_page=2)).identifiers()
    assert len(numbers) == 25
    assert (numbers.count(10), numbers.count(20)) == (2, 0)


def test_lists_can_be_500_and_empty_while_the_rest_answers(visit: Make) -> None:
    visitor = visit(faults=Faults(http_500_empty=True))
    answer = visitor.get(verb="ListRecords", metadataPrefix=PMB)
    assert (answer.status_code, answer.content) == (500, b"")
    assert visitor.get(verb="Identify").status_code == 200
    assert visitor.record(1).control_number == "1"


def test_dublin_core_alone_can_be_500(visit: Make) -> None:
    visitor = visit(faults=Faults(oai_dc_500=True))
    assert visitor.get(verb="ListRecords", metadataPrefix="oai_dc").status_code == 500
    assert visitor.get(verb="ListRecords", metadataPrefix=PMB).status_code == 200


def test_a_php_warning_can_stand_before_the_xml(visit: Make) -> None:
    text = visit(faults=Faults(php_warning_before_xml=True)).get(verb="Identify").text
    assert text.startswith("<br />\n<b>Warning</b>")
    etree.fromstring(text[text.index("<?xml") :].encode())


def test_it_can_send_elsewhere(visit: Make) -> None:
    answer = visit(faults=Faults(redirect_to="http://169.254.169.254/")).get(verb="Identify")
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://169.254.169.254/")


def test_a_stale_cache_serves_the_old_text_under_the_new_date(visit: Make) -> None:
    visitor = visit(base(3), faults=Faults(stale=True))
    visitor.partner.revise(2, title("Corrigée"), NOON)
    page = visitor.ask(verb="ListRecords", metadataPrefix=PMB, from_="2026-03-02")
    assert numbers_in(page) == [2]
    assert "Notice 2" in etree.tostring(page, encoding="unicode")
    dublin_core = visitor.get(verb="ListRecords", metadataPrefix="oai_dc", from_="2026-03-02").text
    assert "Corrigée" in dublin_core


def test_from_can_be_ignored(visit: Make) -> None:
    visitor = visit(faults=Faults(from_ignored=True))
    assert visitor.identifiers(from_="2027-01-01") == list(range(1, 26))


def test_a_ghost_has_no_date_and_no_content(visit: Make) -> None:
    page = visit(base(3), faults=Faults(ghosts=(2,))).get(verb="ListRecords", metadataPrefix=PMB).text
    assert page.count("<datestamp></datestamp>") == 1
    assert page.count("<metadata></metadata>") == 1


def test_a_partner_that_is_down_drops_the_connection(visit: Make) -> None:
    visitor = visit(faults=Faults(down=True))
    with pytest.raises(requests.ConnectionError):
        visitor.get(verb="Identify")
    visitor.running.faults = Faults()
    assert visitor.get(verb="Identify").status_code == 200


def test_a_partner_that_was_stopped_refuses_the_connection() -> None:
    with serve(base(1)) as running:
        address = running.url
    with pytest.raises(requests.ConnectionError):
        requests.get(address + "&verb=Identify", timeout=10)


def test_what_was_asked_is_remembered(visit: Make) -> None:
    visitor = visit()
    visitor.identifiers()
    assert [asked["verb"] for asked in visitor.partner.requests] == ["ListIdentifiers"] * 3


# --- playing with it --------------------------------------------------------------------------


def test_faults_are_set_and_taken_away_from_a_browser(visit: Make) -> None:
    visitor = visit()
    address = f"http://127.0.0.1:{visitor.running.port}/demo/faults"
    said = requests.get(address, params={"cut_page": "2", "items": "0", "ghosts": "1,2"}, timeout=10).json()
    assert (said["cut_page"], said["items"], said["ghosts"]) == (2, False, [1, 2])
    assert visitor.partner.faults == Faults(cut_page=2, items=False, ghosts=(1, 2))
    requests.get(address, params={"reset": "1"}, timeout=10)
    assert visitor.partner.faults == Faults()


@pytest.mark.parametrize("query", [{"cut_pages": "2"}, {"cut_page": "deux"}])
def test_a_fault_that_does_not_exist_is_not_set(visit: Make, query: dict[str, str]) -> None:
    visitor = visit()
    answer = requests.get(f"http://127.0.0.1:{visitor.running.port}/demo/faults", params=query, timeout=10)
    assert answer.status_code == 400
    assert visitor.partner.faults == Faults()


def test_nobody_else_sets_a_fault() -> None:
    partner = Partner(base(1))
    answers: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/demo/faults",
        "QUERY_STRING": "down=1",
        "REMOTE_ADDR": "192.0.2.7",
        "SERVER_NAME": "partner.example",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    list(partner(environ, lambda status, headers, info=None: answers.append(status)))
    assert answers == ["403 FORBIDDEN"]
    assert not partner.faults.down


def test_the_command_serves_the_demo_base(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "demo.generate", SimpleNamespace(partner_records=lambda: base(3)))
    started: list[RunningPartner] = []

    def start(*arguments: object, **options: object) -> RunningPartner:
        running = original(*arguments, **options)  # type: ignore[arg-type]
        started.append(running)
        assert requests.get(running.url + "&verb=Identify", timeout=10).status_code == 200
        running.stop()
        return running

    original = module.start
    monkeypatch.setattr(module, "start", start)
    main(["--port", "0"])
    assert started[0].url in capsys.readouterr().out


# --- the road, and what else goes wrong -----------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "seen"),
    [
        ({"empty_200_on_page": 2}, lambda r: (r.status_code, r.content) == (200, b"")),
        ({"latin1_page": 2}, lambda r: b"\xc9tude" in r.content),
        ({"controls_page": 2}, lambda r: b"\x0b" in r.content),
        ({"bomb_page": 2}, lambda r: b"<!ENTITY a8" in r.content and b"&a8;" in r.content),
        ({"outside_page": 2}, lambda r: b"file:///etc/passwd" in r.content),
        ({"constant_total": 40}, lambda r: b'completeListSize="40"' in r.content),
        ({"no_identifier": (12,)}, lambda r: b"<identifier></identifier>" in r.content),
        ({"huge": (12,)}, lambda r: len(r.content) > 20_000_000),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_fault_shows_on_its_page(
    visit: Make, faults: dict[str, Any], seen: Callable[[requests.Response], bool]
) -> None:
    partner = visit([Kept(n, title(f"Ouvrage {n}")) for n in range(1, 26)], faults=Faults(**faults))
    first = partner.ask(verb="ListRecords", metadataPrefix=PMB)
    assert seen(partner.get(verb="ListRecords", resumptionToken=token_of(first).text))


@pytest.mark.parametrize("faults", [{"reset_page": 1}, {"bad_gzip_page": 1}])
def test_an_answer_can_break_on_its_way(visit: Make, faults: dict[str, Any]) -> None:
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        visit(faults=Faults(**faults)).get(verb="ListRecords", metadataPrefix=PMB)


def test_a_page_can_come_byte_by_byte(visit: Make) -> None:
    partner = visit(faults=Faults(drip_page=1, drip_seconds=0.1))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        partner.get(verb="ListRecords", metadataPrefix=PMB)


@pytest.mark.parametrize(
    ("faults", "records", "identifiers"),
    [
        ({"lost": (3,)}, [1, 2, 4, 5], [1, 2, 3, 4, 5]),
        ({"unlisted": (3,)}, [1, 2, 4, 5], [1, 2, 4, 5]),
        ({"twice": (3,)}, [1, 2, 3, 3, 4, 5], [1, 2, 3, 4, 5]),
        ({"two_contents": (3,)}, [1, 2, 3, 3, 4, 5], [1, 2, 3, 4, 5]),
        ({"false_deletions": (3,)}, [1, 2, 4, 5, 3], [1, 2, 4, 5, 3]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_list_can_leave_out_repeat_and_lie(
    visit: Make, faults: dict[str, Any], records: list[int], identifiers: list[int]
) -> None:
    partner = visit(base(5), faults=Faults(**faults))
    assert partner.identifiers(verb="ListRecords") == records
    assert partner.identifiers() == identifiers
    assert partner.record(3).control_number == "3"


def test_lists_can_be_empty_or_fail_for_a_while(visit: Make) -> None:
    partner = visit(faults=Faults(empty_list=True))
    assert partner.errors(verb="ListRecords", metadataPrefix=PMB) == ["noRecordsMatch"]
    partner.running.faults = Faults(fail_first_n_with_500=1)
    answers = [partner.get(verb="ListRecords", metadataPrefix=PMB).status_code for _turn in range(2)]
    partner.running.faults = Faults(no_identifiers=True)
    answers.append(partner.get(verb="ListIdentifiers", metadataPrefix=PMB).status_code)
    assert answers == [500, 200, 500]


def test_a_token_can_turn_round_the_same_page(visit: Make) -> None:
    partner = visit(faults=Faults(turning_tokens=True))
    page, shown = partner.ask(verb="ListIdentifiers", metadataPrefix=PMB), []
    for _turn in range(3):
        page = partner.ask(verb="ListIdentifiers", resumptionToken=token_of(page).text)
        shown.append((numbers_in(page)[0], token_of(page).text))
    assert [number for number, _token in shown] == [11, 11, 11]
    assert len({token for _number, token in shown}) == 3


def test_only_the_last_set_tells_its_deletions(visit: Make) -> None:
    gone = Kept(7, title("Perdue"), deleted=True)
    partner = visit([*base(3), gone], sets={1: ("Tout", None), 2: ("Panier", None)})
    partner.running.faults = Faults(deletions_of_last_set_only=True)
    assert partner.identifiers(set_="set_1") == [1, 2, 3]
    assert partner.identifiers(set_="set_2") == [1, 2, 3, 7]


def test_pmb_may_answer_its_own_xml_to_dublin_core(visit: Make) -> None:
    partner = visit(base(3), faults=Faults(pmb_in_dublin_core=(2,)))
    page = partner.ask(verb="ListRecords", metadataPrefix="oai_dc")
    roots = [etree.QName(e[0]).localname for e in page.iter("{*}metadata")]
    assert roots == ["dc", "notice", "dc"]


def test_what_a_base_drags_along_and_the_dates_of_8_1(visit: Make) -> None:
    partner = visit([Kept(1, ARTICLE)], faults=Faults(leftovers=True, with_009_dates=True))
    tags = [f["t"] for f in partner.record(1).fields]
    assert {"009", "300", "463", "900"} <= set(tags)
    body = partner.get(verb="GetRecord", metadataPrefix=PMB, identifier="1").text
    assert all(left in body for left in ("0000-00-00", "00000000", "uu", "&lt;p&gt;Don", "14/03/2009"))


def test_a_record_can_be_listed_because_of_its_copies(visit: Make) -> None:
    partner = visit(faults=Faults(item_dates=(4,)))
    assert partner.identifiers(from_="2026-03-02") == [4]


def test_something_can_happen_between_two_pages(visit: Make) -> None:
    partner = visit()
    partner.partner.before_page = lambda page: partner.partner.delete(1, NOON) if page == 2 else None
    assert 11 not in partner.identifiers(verb="ListRecords")


# --- the standard one -----------------------------------------------------------------------------


def test_a_standard_server_counts_right_and_ends_with_an_empty_token(visit: Make) -> None:
    partner = visit(kind=Standard)
    page = partner.ask(verb="ListRecords", metadataPrefix="marcxml")
    sizes = []
    while token_of(page).text:
        sizes.append((token_of(page).get("completeListSize"), numbers_in(page)[0]))
        page = partner.ask(verb="ListRecords", resumptionToken=token_of(page).text)
    assert sizes == [("25", 1), ("25", 11)]
    assert numbers_in(page)[-1] == 25


def test_its_bounds_are_included_and_its_time_is_utc(visit: Make) -> None:
    partner = visit(kind=Standard)
    assert partner.identifiers(metadataPrefix="oai_dc", from_="2026-03-01T10:20:30Z") == list(range(1, 26))
    late = partner.errors(verb="ListRecords", metadataPrefix="oai_dc", from_="2026-03-01T10:20:31Z")
    odd = partner.errors(verb="ListRecords", metadataPrefix="oai_dc", from_="hier")
    assert (late, odd) == (["noRecordsMatch"], ["badArgument"])
    by_day = visit(kind=Standard, by_day=True)
    assert by_day.ask(verb="Identify").findtext(".//o:granularity", None, OAI) == "YYYY-MM-DD"
    assert len(by_day.identifiers(metadataPrefix="oai_dc", from_="2026-03-01")) == 25


def test_its_deletions_stand_among_the_others_and_have_a_name(visit: Make) -> None:
    partner = visit([*base(3), Kept(2, [], deleted=True)], kind=Standard)
    assert partner.identifiers(metadataPrefix="oai_dc") == [1, 2, 3]
    page = partner.ask(verb="GetRecord", metadataPrefix="oai_dc", identifier="oai:demo.example.org:2")
    header = page.find(".//o:header", OAI)
    assert header is not None
    assert (header.get("status"), [etree.QName(e).localname for e in header][:2]) == (
        "deleted",
        ["identifier", "datestamp"],
    )
    assert partner.errors(verb="GetRecord", metadataPrefix=PMB, identifier="1") == ["cannotDisseminateFormat"]


def test_it_gives_unimarc_in_marcxml(visit: Make) -> None:
    partner = visit([Kept(1, ARTICLE)], kind=Standard)
    page = partner.ask(verb="ListRecords", metadataPrefix="marcxml")
    record = next(page.iter("{http://www.loc.gov/MARC21/slim}record"))
    read = payload.read(record, 1, {})
    assert isinstance(read, Record)
    assert [f["s"] for f in read.fields if f["t"] == "200"] == [[["a", "Le relogement en question"]]]
