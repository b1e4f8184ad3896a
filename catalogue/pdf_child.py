"""The text of one PDF, page by page, read by a process of its own that a hostile file may exhaust, mislead or kill.

`catalogue.pdf_text` starts it as a plain script: the file on standard input, the text on standard output (pages
parted by a form feed), what happened as the exit code. Before the file is looked at, the process gives up what it
could do harm with: it can open no file and no socket any more, and has so much memory and so much time.
"""

from __future__ import annotations

import re
import sys
import unicodedata

import pypdfium2

# Exit codes -> what is kept of a file that gives no text. Anything else, a signal among them, is "too_heavy".
ENCRYPTED, BROKEN, TOO_MANY_PAGES, TOO_MUCH_TEXT, NO_TEXT = 11, 12, 13, 14, 15
REASONS = {
    ENCRYPTED: "encrypted",
    BROKEN: "broken",
    TOO_MANY_PAGES: "too_many_pages",
    TOO_MUCH_TEXT: "too_much_text",
    NO_TEXT: "no_text",
}
MOST_PAGES = 2_000
PAGE_SIGNS = 30_000  # of one page; a dense page of a newspaper has 20,000
MOST_SIGNS = 8_000_000  # of a whole file
MEMORY = 1 << 30
SECONDS = 60  # of computing
LEGIBLE = 0.4  # of the signs that are not blank; less is a font without the names of its letters

_BREAK = re.compile("[\u00ad\x02\ufffe]\\s*")  # PDFium's word parted at the end of a line
_BLANK = re.compile(r"[^\S\n]+")
_PASSWORD = 4  # FPDF_ERR_PASSWORD


def main() -> int:
    "é".encode("utf-16-le").decode("utf-16-le")  # PDFium's own character set: nothing can be loaded later
    raw = sys.stdin.buffer.read()
    _give_up()
    try:
        pdf = pypdfium2.PdfDocument(raw)
        if len(pdf) > MOST_PAGES:
            return TOO_MANY_PAGES
        pages = _pages(pdf)
    except pypdfium2.PdfiumError as error:
        return ENCRYPTED if getattr(error, "err_code", None) == _PASSWORD else BROKEN
    if pages is None:
        return TOO_MUCH_TEXT
    if not _is_legible("".join(pages)):
        return NO_TEXT
    sys.stdout.buffer.write("\f".join(pages).encode())
    sys.stdout.buffer.flush()
    return 0


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


def _is_legible(text: str) -> bool:
    signs = sum(not c.isspace() for c in text)
    return signs > 0 and sum(c.isalnum() for c in text) >= LEGIBLE * signs


if __name__ == "__main__":
    sys.exit(main())
