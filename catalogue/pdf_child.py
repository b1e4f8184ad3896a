"""What can be made of one file, by a process of its own that a hostile file may exhaust, mislead or kill.

`catalogue.pdf_text` starts it as a plain script: the file on standard input, what was made on standard output, what
happened as the exit code. Before the file is looked at, the process gives up what it could do harm with: it can open
no file and no socket any more, and has so much memory and so much time. It makes

    text        of a PDF: its words, pages parted by a form feed
    picture     of a PDF or an image: its first page, small enough for a list (WebP)
    page N      of a PDF: that page, as large as who recognises words on pictures needs it (PGM)
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pypdfium2

# Exit codes -> what is kept of a file that gives no text. Anything else, a signal among them, is "too_heavy".
ENCRYPTED, BROKEN, TOO_MANY_PAGES, TOO_MUCH_TEXT, NO_TEXT, NO_PAGE = 11, 12, 13, 14, 15, 16
REASONS = {
    ENCRYPTED: "encrypted",
    BROKEN: "broken",
    TOO_MANY_PAGES: "too_many_pages",
    TOO_MUCH_TEXT: "too_much_text",
    NO_TEXT: "no_text",
    NO_PAGE: "no_page",
}
MOST_PAGES = 2_000
PAGE_SIGNS = 30_000  # of one page; a dense page of a newspaper has 20,000
MOST_SIGNS = 8_000_000  # of a whole file
MEMORY = 1 << 30
SECONDS = 60  # of computing
PICTURE = (240, 320)  # pixels: shown half as large, sharp on a dense screen
PICTURE_BYTES = 20_000
MOST_PIXELS = 100_000_000  # of an image that is made smaller
DPI, PAGE_PIXELS = 200, 12_000_000  # of a page on which words are recognised; A3 has 7.7 million
LEGIBLE = 0.4  # of the signs that are not blank; less is a font without the names of its letters

_BREAK = re.compile("[\u00ad\x02\ufffe]\\s*")  # PDFium's word parted at the end of a line
_BLANK = re.compile(r"[^\S\n]+")
_PASSWORD = 4  # FPDF_ERR_PASSWORD


def main(words: Sequence[str]) -> int:
    "é".encode("utf-16-le").decode("utf-16-le")  # PDFium's own character set: nothing can be loaded later
    wished = words[0] if words else "text"
    if wished != "text":
        from PIL import Image, TiffImagePlugin, WebPImagePlugin

        Image.preinit()
        assert TiffImagePlugin and WebPImagePlugin  # they make themselves known
    raw = sys.stdin.buffer.read()
    _give_up()
    try:
        if wished == "picture":
            return _picture(raw)
        pdf = pypdfium2.PdfDocument(raw)
        return _text(pdf) if wished == "text" else _page_image(pdf, int(words[1]) - 1)
    except pypdfium2.PdfiumError as error:
        return ENCRYPTED if getattr(error, "err_code", None) == _PASSWORD else BROKEN


def _say(made: bytes) -> int:
    sys.stdout.buffer.write(made)
    sys.stdout.buffer.flush()
    return 0


def _text(pdf: pypdfium2.PdfDocument) -> int:
    if len(pdf) > MOST_PAGES:
        return TOO_MANY_PAGES
    pages = _pages(pdf)
    if pages is None:
        return TOO_MUCH_TEXT
    if not is_legible("".join(pages)):
        return NO_TEXT
    return _say("\f".join(pages).encode())


def _picture(raw: bytes) -> int:
    """The first page, or the image itself, white behind what is transparent."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    if b"%PDF-" in raw[:1024]:
        image = _drawn(pypdfium2.PdfDocument(raw), 0, *PICTURE)
        if image is None:
            return NO_PAGE
    else:
        try:
            image = Image.open(BytesIO(raw), formats=("JPEG", "PNG", "TIFF", "WEBP"))
            if image.width * image.height > MOST_PIXELS:
                return TOO_MUCH_TEXT
            image.draft("RGB", PICTURE)  # a large JPEG is not unpacked whole
            image = ImageOps.exif_transpose(image)
            image.thumbnail(PICTURE)
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
            return BROKEN
    if image.mode in ("RGBA", "LA", "P", "PA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    for quality in (75, 50, 25, 5):
        made = BytesIO()
        image.save(made, "WEBP", quality=quality, method=4)
        if made.tell() <= PICTURE_BYTES:
            break
    return _say(made.getvalue())


def _page_image(pdf: pypdfium2.PdfDocument, number: int) -> int:
    side = int(PAGE_PIXELS**0.5)
    image = _drawn(pdf, number, side, side, at_most=DPI / 72) if number < len(pdf) else None
    if image is None:
        return NO_PAGE
    made = BytesIO()
    image.convert("L").save(made, "PPM")
    return _say(made.getvalue())


def _drawn(pdf: pypdfium2.PdfDocument, number: int, width: int, height: int, at_most: float = 4.0) -> Any:
    """A page made to fit, however large it says it is; None when there is none."""
    if len(pdf) <= number:
        return None
    page = pdf[number]
    wide, high = page.get_size()
    if not (wide > 0 and high > 0):
        return None
    scale = min(width / wide, height / high, at_most)
    if max(1, wide * scale) * max(1, high * scale) > 2 * width * height:
        return None
    return page.render(scale=scale, may_draw_forms=False).to_pil()


def _give_up() -> None:
    if sys.platform == "win32":
        return
    import os
    import resource

    os.nice(10)
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 4 * MOST_SIGNS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _pages(pdf: pypdfium2.PdfDocument) -> list[str] | None:
    """The words of each page; a page that cannot be read is an empty one. None when there are too many."""
    out: list[str] = []
    signs = 0
    for number in range(len(pdf)):
        out.append(_page(pdf, number))
        signs += len(out[-1])
        if signs > MOST_SIGNS:
            return None
    return out


def _page(pdf: pypdfium2.PdfDocument, number: int) -> str:
    try:
        page = pdf[number]
        text = page.get_textpage()
        words = clean(text.get_text_range(0, min(text.count_chars(), PAGE_SIGNS)))
        text.close()
        page.close()
    except pypdfium2.PdfiumError:
        return ""
    return words


def clean(text: str) -> str:
    """Whole words in one spelling, lines kept; no sign that is none (controls, half surrogates, private use)."""
    text = _BREAK.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = "".join(c if c == "\n" or unicodedata.category(c) not in _NO_SIGNS else " " for c in text)
    return _BLANK.sub(" ", unicodedata.normalize("NFC", text)).strip()


_NO_SIGNS = frozenset({"Cc", "Cs", "Co", "Cn"})


def is_legible(text: str) -> bool:
    signs = sum(not c.isspace() for c in text)
    return signs > 0 and sum(c.isalnum() for c in text) >= LEGIBLE * signs


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
