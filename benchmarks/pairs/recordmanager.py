"""The rules of RecordManager, written again from their description, to be measured beside ours.

Source: the wiki page « Deduplication » of NatLibFi/RecordManager (version of 27 March 2024), which tells the flow in
words; where it says « title key » or « author match », the public documentation of its functions was followed. The
code is ours. It is meant generously: accents never tell two words apart, UNIMARC 200 stands for 245, 014, 017, 020
and 073 for 015, 016 and 024, and a record is never left out because a partner of its source was matched before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from catalogue import unimarc
from catalogue.identifiers import find_issn
from catalogue.matching.described import describe
from catalogue.text import fold
from catalogue.unimarc import Field


@dataclass(frozen=True, slots=True)
class Known:
    format: str
    isbns: frozenset[str]
    ids: frozenset[str]
    issns: frozenset[str]
    year: int
    pages: int
    series_issn: str
    numbering: str
    title: str
    author: str


def known(fields: Iterable[Field]) -> Known:
    fields = list(fields)
    described = describe(fields)
    author = next((r.name for r in unimarc.responsibilities(fields) if r.rank != 2), "")
    series = next(unimarc.each(fields, "225", "410"), None)
    ids = [v for tag in ("014", "017", "020") for f in unimarc.each(fields, tag) for v in unimarc.subfields(f, "ab")]
    return Known(
        format=f"{described.level} {described.medium or unimarc.leader(fields)[6:7]}",
        isbns=described.isbns,
        ids=frozenset(("".join(ids[:2]),)) - {""} | described.eans | described.dois,
        issns=described.issns,
        year=described.year,
        pages=described.pages,
        series_issn=(find_issn(unimarc.first(series, "x")) or "") if series else "",
        numbering=fold(unimarc.first(series, "v")) if series else "",
        title=fold(" ".join(v for f in unimarc.each(fields, "200") for v in unimarc.subfields(f, "aehi"))),
        author=fold(author),
    )


def keys(record: Known) -> Iterator[str]:
    """ISBN first, other numbers, then the first words of the title with the author's family name."""
    yield from (f"isbn {number}" for number in sorted(record.isbns))
    yield from (f"id {number}" for number in sorted(record.ids))
    if record.title and record.author:
        yield f"title {_title_key(record.title)} {record.author.split()[0]}"


def _title_key(title: str) -> str:
    """Words until four are long (more than three letters), or 35 letters are reached."""
    key, long_words = "", 0
    for word in title.split():
        key += word
        long_words += len(word) > 3
        if long_words > 3 or len(key) > 35:
            break
    return key


def is_same(a: Known, b: Known) -> bool:
    if a.format != b.format:
        return False
    if a.isbns & b.isbns or a.ids & b.ids:
        return True
    if a.issns and b.issns and not a.issns & b.issns:
        return False
    if a.year and b.year and a.year != b.year:
        return False
    if a.pages and b.pages and abs(a.pages - b.pages) > 10:
        return False
    if a.series_issn != b.series_issn or a.numbering != b.numbering:
        return False
    mine, theirs = a.title.replace(" ", "")[:255], b.title.replace(" ", "")[:255]
    if not mine or not theirs or Levenshtein.distance(mine, theirs) * 10 >= len(mine):
        return False
    if not a.author and not b.author:
        return True
    if not a.author or not b.author:
        return False
    return _same_author(a.author, b.author) or Levenshtein.distance(a.author, b.author) * 5 <= len(a.author)


def _same_author(left: str, right: str) -> bool:
    """The family name, and at least the first letter of each given name."""
    if min(len(left), len(right)) < 6:
        return left == right
    if left.startswith(right) or right.startswith(left):
        return True
    mine, theirs = left.split(), right.split()
    return mine[0] == theirs[0] and all(x[0] == y[0] for x, y in zip(mine, theirs, strict=False))
