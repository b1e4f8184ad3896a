"""A bibliography as a page that stands alone, and as a fragment to paste in another one.

Everything that records say is escaped; links are addresses of http and https that `runs` has found. The page says
its language, has one `h1`, a heading a group, a list of references, and prints on A4 with its pages numbered. It
calls nothing from elsewhere, and its style stays in it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from pathlib import Path

from catalogue.i18n import _, use_language
from export.bibliography import Bibliography, Entry
from export.citing.runs import Run

_STYLE = (Path(__file__).parent / "bibliography.css").read_text("utf-8")
# What a Content-Security-Policy lets the page's own style through by.
STYLE_DIGEST = "sha256-" + b64encode(sha256(_STYLE.encode()).digest()).decode()
_FORMS = (("italic", "i"), ("bold", "b"), ("raised", "sup"), ("lowered", "sub"), ("underline", "u"))


def file_bytes(bibliography: Bibliography) -> Iterator[bytes]:
    """The whole page."""
    language, title = bibliography.language, _text(bibliography.title)
    yield (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" '
        f'content="light dark">\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n'
    ).encode("utf-8", "replace")
    yield f'<p class="about">{_text(bibliography.line)}</p>\n'.encode("utf-8", "replace")
    for piece in _groups(bibliography, 2):
        yield piece.encode("utf-8", "replace")
    yield b"</main>\n</body>\n</html>\n"


def fragment(bibliography: Bibliography, *, heading: int = 2) -> str:
    """The references alone, their groups under headings of this level: for a page that has its own title."""
    return "".join(_groups(bibliography, heading))


def reference(runs: tuple[Run, ...]) -> str:
    """One reference, escaped, with its italics and links."""
    return "".join(map(_run, runs))


def _groups(bibliography: Bibliography, heading: int) -> Iterator[str]:
    with use_language(bibliography.language):
        for group in bibliography.groups:
            if group.heading:
                count = f'<span class="count">({group.total})</span>'
                yield f"<h{heading}>{_text(group.heading)} {count}</h{heading}>\n"
            yield '<ul class="references">\n'
            yield from (_entry(entry, bibliography.language) for entry in group.entries)
            yield "</ul>\n"
        yield from (f'<p class="about">{_text(sentence)}</p>\n' for sentence in bibliography.told)


def _entry(entry: Entry, language: str) -> str:
    call_number, words = "", ""
    if entry.place is not None:
        if entry.place.call_number:
            label = _text(_("Cote :"))
            number = _text(entry.place.call_number)
            call_number = f'<p class="call"><span class="unseen">{label} </span><span>{number}</span></p>\n'
        words = "".join(f'<p class="where">{_text(said)}</p>\n' for said in entry.place.words)
    spoken = f' lang="{_text(entry.language)}"' if entry.language and entry.language != language else ""
    summary = "".join(f'<p class="summary">{_text(paragraph)}</p>\n' for paragraph in entry.summary)
    link = f'<p class="link"><a href="{_text(entry.permalink)}">{_text(entry.short_link)}</a></p>\n'
    body = f'<p class="reference"{spoken}>{reference(entry.runs)}</p>\n'
    return f"<li>\n{call_number}{body}{summary}{words}{link}</li>\n"


def _run(run: Run) -> str:
    out = _text(run.text)
    if run.link:
        out = f'<a href="{_text(run.link)}">{out}</a>'
    if run.small_caps:
        out = f'<span class="small-caps">{out}</span>'
    for form, tag in _FORMS:
        if getattr(run, form):
            out = f"<{tag}>{out}</{tag}>"
    return out


def _text(value: str) -> str:
    return escape(value, quote=True)
