"""BnF and Sudoc, asked by SRU: UNIMARC records in somebody's envelope. How each is asked: `sources.toml`.

The envelope is read strictly; the records are read as those of any MARCXML file are (`harvest.crosswalk.marcxml`).
"""

from __future__ import annotations

import re
from io import BytesIO

from lxml import etree
from stdnum import isbn

from catalogue import unimarc
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, Record
from harvest import strict
from harvest.crosswalk import marcxml
from harvest.crosswalk.elements import local_name
from harvest.lookup.door import Door
from harvest.lookup.questions import Question
from harvest.lookup.table import LookupSource
from harvest.lookup.trouble import Trouble

MOST = 10  # records of one answer
MOST_WORDS = 10  # of a title
_ONE_VOLUME = re.compile(r"^\s*1 vol\.? ?\(([^()]+)\)\s*$")
# Sudoc says 1/0 (no fault) beside every good answer, and 1/61 (first record out of range) where it has nothing.
_NO_FAULT = re.compile(r"(?:info:srw/diagnostic/1/)?(?:0|61)")


def ask(question: Question, source: LookupSource, door: Door, mail: str = "") -> list[Fields]:
    """The records that answer, ten at most."""
    params = {
        "version": source.said("version"),
        "operation": "searchRetrieve",
        "recordSchema": source.said("schema"),
        "maximumRecords": str(MOST),
        "query": query(question, source),
    }
    return read(door.get(source.address, params, accept="application/xml, text/xml;q=0.9").raw)


def query(question: Question, source: LookupSource) -> str:
    """The question in CQL, in this server's indexes."""
    value = question.value
    if question.kind == "title":
        words = [word for word in fold(value).split() if len(word) > 1][:MOST_WORDS] or fold(value).split() or [""]
        quoted = " and ".join(source.said("each_word").format(word=word) for word in words)
        return source.said("title").format(words=" ".join(words), quoted=quoted)
    short = str(isbn.to_isbn10(value)) if question.kind == "isbn" and value.startswith("978") else ""
    return source.said(question.kind).format(value=value, both=f"{value} {short}".strip())


def read(raw: bytes) -> list[Fields]:
    """The records of an answer; raises Trouble when it is none, or tells what the server did not understand."""
    try:
        root = strict.tree(raw)
    except strict.TooManyMarks as error:
        raise Trouble("too_big", limit="3") from error
    except (etree.XMLSyntaxError, strict.UnknownEncoding, ValueError) as error:
        raise Trouble("not_xml") from error
    if local_name(root.tag) not in ("searchRetrieveResponse", "explainResponse"):
        raise Trouble("shape")
    found = [one for one in marcxml.read_file(BytesIO(raw))]
    records = [one for one in found if isinstance(one, Record)]
    if not records and (said := _diagnostic(root)):
        raise Trouble("diagnostic", said=said)
    if not records and _announced(root):
        raise Trouble("shape")
    return [_settled(record.fields) for record in records[:MOST]]


def _diagnostic(root: etree._Element) -> str:
    """What the server complains of; Sudoc leaves out the element around it."""
    for element in root.iter():
        if local_name(element.tag) == "uri" and "diagnostic" in (said := (element.text or "").strip()):
            if _NO_FAULT.fullmatch(said):
                continue
            around = element.getparent()
            parts = (e.text or "" for e in around if local_name(e.tag) in ("message", "details"))
            return " : ".join(part for part in (" ".join(text.split()) for text in parts) if part)[:200] or said[:80]
    return ""


def _announced(root: etree._Element) -> bool:
    """Whether records were to come."""
    number = next((e.text or "" for e in root.iter() if local_name(e.tag) == "numberOfRecords"), "")
    return number.strip().isdecimal() and int(number.strip()[:9]) > 0


def _settled(fields: Fields) -> Fields:
    """As our desk writes it: « 214 p. » rather than « 1 vol. (214 p.) »; and a record that tells of a thesis (328) is
    one, whatever its leader says: UNIMARC has no letter for it."""
    kind = unimarc.kind(fields)
    if kind == "book" and unimarc.values(fields, "328", "b"):
        kind = "thesis"
    return unimarc.with_kind([_extent(f) if f["t"] == "215" else f for f in fields], kind)


def _extent(f: Field) -> Field:
    pairs = [[code, _ONE_VOLUME.sub(r"\1", value) if code == "a" else value] for code, value in f["s"]]
    return {**f, "s": pairs}
