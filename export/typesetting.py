"""Pages made by typst: accessible PDF (PDF/UA-1), tagged, titled, in its language.

What records say goes in as data, never as markup, so that a title cannot call anything; no file but the template is
read and no package is ever asked for.

Fonts: typst brings Libertinus Serif and DejaVu Sans Mono, which have the Latin, Greek, Cyrillic, Hebrew and Arabic
letters. For Chinese, Japanese or Korean it takes a font of the machine, where there is one. A sign that no font has
would vanish: PDF/UA forbids that and typst names it; it is then written in Latin letters, and the document may say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import typst
from anyascii import anyascii

_TRIES = 6  # typst does not name all the signs that it misses at once
_MISSING = re.compile(r"the text `\"((?:[^\"\\]|\\.)+)\"` could not be displayed")
_KEPT = ("link", "permalink", "language")  # addresses that are followed stay as they are
_KNOWN = frozenset("’‘“”–—…•€™\u202f\u2009")  # signs beyond Latin Extended that the fonts have


def pdf(template: Path, make: Callable[[Collection[str]], Mapping[str, Any]]) -> bytes:
    """The file. `make` gives the data, told which signs will be written in Latin letters: at first none."""
    missing: set[str] = set()
    for _try in range(_TRIES):
        try:
            return _compiled(template, _latin(make(missing), missing))
        except typst.TypstError as fault:
            found = {sign for said in _MISSING.findall(str(fault.diagnostic)) for sign in _unquoted(said)}
            if not found - missing:
                raise
            missing |= found
    everything = {sign for sign in json.dumps(make(()), ensure_ascii=False) if sign > "\u024f"}
    missing |= everything - _KNOWN
    return _compiled(template, _latin(make(missing), missing))


def _compiled(template: Path, data: Mapping[str, Any]) -> bytes:
    made = typst.compile(
        str(template),
        root=str(template.parent),
        font_paths=_fonts(),
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _unquoted(said: str) -> str:
    r"""The signs that typst quotes: « \u{200b} », « \" », or themselves."""
    plain = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda code: chr(int(code[1], 16)), said)
    return plain.replace('\\"', '"').replace("\\\\", "\\")


def _latin(data: Mapping[str, Any], signs: Iterable[str]) -> Mapping[str, Any]:
    table = str.maketrans({sign: anyascii(sign) for sign in signs})
    found: Mapping[str, Any] = _translated(data, table) if table else data
    return found


def _translated(value: Any, table: Mapping[int, str]) -> Any:
    if isinstance(value, str):
        return value.translate(table)
    if isinstance(value, list | tuple):
        return [_translated(one, table) for one in value]
    if isinstance(value, dict):
        return {k: v if k in _KEPT else _translated(v, table) for k, v in value.items()}
    return value
