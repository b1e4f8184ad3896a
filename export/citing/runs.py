"""A laid out reference as runs of text, and French typography. Pure.

citeproc-py writes text with marks in it. Its marks are here signs that no record holds (they are taken out of every
value before, `items.text`), never tags: a title can then say `<b>` or « & » and be shown so, in every format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

NO_BREAK, NARROW = "\u00a0", "\u202f"
FORMS = ("italic", "bold", "small_caps", "raised", "lowered", "underline")
_OPEN = {chr(0xE000 + n): form for n, form in enumerate(FORMS)}
_CLOSE = "\ue00f"


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one form; `link` is an address of http or https, or ""."""

    text: str
    italic: bool = False
    bold: bool = False
    small_caps: bool = False
    raised: bool = False
    lowered: bool = False
    underline: bool = False
    link: str = ""


def plain(runs: Iterable[Run]) -> str:
    return "".join(run.text for run in runs)


# --- what citeproc calls ---------------------------------------------------------------------


class Marks:
    """A formatter for citeproc-py: the names are those it asks for."""

    @staticmethod
    def preformat(text: object) -> str:
        return str(text)

    @staticmethod
    def _marked(form: str) -> Callable[[object], str]:
        sign = next(sign for sign, name in _OPEN.items() if name == form)
        return staticmethod(lambda text: f"{sign}{text}{_CLOSE}")

    Italic = Oblique = _marked("italic")
    Bold = _marked("bold")
    SmallCaps = _marked("small_caps")
    Superscript = _marked("raised")
    Subscript = _marked("lowered")
    Underline = _marked("underline")
    Light = staticmethod(str)


def unmarked(text: str) -> str:
    return re.sub("[\ue000-\ue00f]", "", text)


# --- repairs ---------------------------------------------------------------------------------

# In the rules below « ¤ » stands for marks that may come between two signs, « MOIS » for a month.
_MARKS = "[\ue000-\ue00f]*"
_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
Better = str | Callable[[re.Match[str]], str]


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("¤", _MARKS).replace("MOIS", _MONTHS))


_REPAIRS: Sequence[tuple[re.Pattern[str], Better]] = tuple(
    (_rule(pattern), better)
    for pattern, better in (
        ("\u2011", "-"),  # the hyphen that does not break is missing from many fonts
        (r"(\.)(¤)\s+(¤)\.(?=\s|$)", r"\1\2\3"),  # « . . »: a style met an empty field
        (r"(?<!\.)\.(¤)\.(?!\.)", r".\1"),
        (r"([?!…])(¤)\.(?=\s|$)", r"\1\2"),
        (r",(¤)\s*,", r",\1"),
        (r"\s+(¤)([.,])(?=\s|$)", r"\1\2"),
        (r"\.(¤) (¤)\[(en[\s\u00a0]ligne|online)\]", r"\1 \2[\3]"),
        (r"\(\s*\)|\[\s*\]", ""),
        (r"(?<=[.] )(MOIS)(?= \d{4})", lambda found: found[1].capitalize()),
        (r",¤\s*$", "."),
        (r",(?= Disponible à)", "."),
        # The year that follows the author is not said again (ISO 690:2021, name and date).
        (r"\b(\d{4})( \[en[\s\u00a0]ligne\])?\. \1\.", r"\1\2."),
        (r"(, (\d{4})\. .+?\.¤) ¤\2\.(?= |$)", r"\1"),
        (r"[ \u00a0]{2,}", " "),
        (r"(?<=\. )([^.]{8,60}\.) \1", r"\1"),  # « Consulté le 1 mai. Consulté le 1 mai. »
    )
)
# French: Lexique des règles typographiques en usage à l'Imprimerie nationale.
_FRENCH: Sequence[tuple[re.Pattern[str], Better]] = tuple(
    (_rule(pattern), better)
    for pattern, better in (
        (r"\b([LlDd])['’] (?=\w)", r"\1’"),  # the blank that a sign of non-sorting words left behind
        (r"(?<=[^\W\d_])'(?=\w|«)", "’"),
        (r"\bpp\.(?=[ \u00a0][\dIVXLC])", "p."),
        (r"(?<=\w)(:)(?= https?://)|(?<=Consulté le):", f"{NO_BREAK}:"),
        (r"[ \u00a0\u202f](¤):(?=\s)", rf"{NO_BREAK}\1:"),
        (r"[ \u00a0](¤)([;?!])", rf"{NARROW}\1\2"),
        (r"«[ \u202f]", f"«{NO_BREAK}"),
        (r"[ \u202f]»", f"{NO_BREAK}»"),
        (r"\b(pp?\.|n[°ᵒº]|N[°ᵒº]|[Vv]ol\.|[Tt]\.|chap\.|ISBN|ISSN|DOI)[ ](?=[\dIVXLC])", rf"\1{NO_BREAK}"),
        (r"(?<=\d)[ ](p\.|p|vol\.)(?=[\s.,;)]|$)", rf"{NO_BREAK}\1"),
        (r"\b1[ \u00a0](?=MOIS)", f"1er{NO_BREAK}"),
        (r"(?<=\d)[ ](?=(?:MOIS)\b)", NO_BREAK),
    )
)


def repaired(marked: str) -> str:
    """What styles leave behind when a field is empty, tidied."""
    return _each(_REPAIRS, marked).strip()


def in_french(text: str) -> str:
    """The spaces that do not break where French has them, and the printer's apostrophe; addresses are left alone."""
    parts = re.split(r"(https?://\S+)", text)
    out = []
    for n, part in enumerate(parts):
        if n % 2 == 0:
            following = parts[n + 1][:8] if n + 1 < len(parts) else ""
            part = _each(_FRENCH, part + following)[: None if not following else -len(following)]
        out.append(part)
    return "".join(out)


def _each(rules: Sequence[tuple[re.Pattern[str], Better]], text: str) -> str:
    for pattern, better in rules:
        text = pattern.sub(better, text)
    return text


# --- runs ------------------------------------------------------------------------------------

_LINK = re.compile(r"https?://[^\s\u00a0\u202f]+|(?<=DOI[\s\u00a0])10\.\d{4,9}/[^\s\u00a0]+|(?<=doi:)10\.\d{4,9}/\S+")


def cut(marked: str) -> tuple[Run, ...]:
    """The runs of a text with marks; marks that are not closed end with it."""
    return tuple(linked for run in _forms(marked) for linked in _links(run))


def _forms(marked: str) -> Iterator[Run]:
    on: list[str] = []
    for piece in re.split("([\ue000-\ue00f])", marked):
        if piece in _OPEN:
            on.append(_OPEN[piece])
        elif piece == _CLOSE:
            on = on[:-1]
        elif piece and not ("\ue000" <= piece <= "\ue00f"):
            yield Run(
                piece,
                italic="italic" in on,
                bold="bold" in on,
                small_caps="small_caps" in on,
                raised="raised" in on,
                lowered="lowered" in on,
                underline="underline" in on,
            )


def _links(run: Run) -> Iterator[Run]:
    at = 0
    for found in _LINK.finditer(run.text):
        address = found[0].rstrip(".,;:!?»]")
        if address.endswith(")") and "(" not in address:
            address = address.rstrip(").,;")
        if found.start() > at:
            yield replace(run, text=run.text[at : found.start()])
        at = found.start() + len(address)
        yield replace(run, text=address, link=address if address.startswith("http") else f"https://doi.org/{address}")
    if at < len(run.text):
        yield replace(run, text=run.text[at:])
