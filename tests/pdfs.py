"""PDF files made for tests: of our own words, by typst; and hostile ones, by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache

import typst


@cache
def pdf(pages: tuple[str, ...]) -> bytes:
    """A page of words each."""
    words = "\n#pagebreak()\n".join(page.replace("#", "\\#") for page in pages)
    return typst.compile(f'#set page(width: 12cm, height: 14cm)\n#set text(lang: "fr")\n{words}'.encode())


def by_hand(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Objects numbered from 1, the first of them the catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(out))
    return out + head + table + tail


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), more, data)


def of_pages(content: bytes, count: int = 1, more: bytes = b"") -> bytes:
    """So many times the same page, that shows this stream."""
    kids = b" ".join(b"3 0 R" for _ in range(count))
    return by_hand(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
            content,
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%s>>" % more,
        ]
    )


def image_only() -> bytes:
    return of_pages(stream(b"0 0 200 200 re f"))


def bomb(megabytes: int) -> bytes:
    """A megabyte or two that unpack to so much: one block, made once, again and again."""
    maker = zlib.compressobj(9)
    head = maker.compress(b"") + maker.flush(zlib.Z_FULL_FLUSH)
    block = maker.compress(b"q " * (1 << 19)) + maker.flush(zlib.Z_FULL_FLUSH)
    packed = head + block * megabytes + maker.flush()
    return of_pages(stream(packed, b"/Filter/FlateDecode"))


def encrypted() -> bytes:
    """It asks for a password that is not the empty one (ISO 32000-1, 7.6.3.3, revision 2)."""
    key = b"<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>" % (b"11" * 32, b"22" * 32)
    made = of_pages(stream(b"BT /F 12 Tf (Secret) Tj ET"))
    return made.replace(b"/Root 1 0 R", b"/Root 1 0 R/Encrypt " + key + b"/ID[<00><00>]")
