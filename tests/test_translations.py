"""Every sentence exists in English, with the same blanks to fill, and the compiled file is the text's."""

from __future__ import annotations

import gettext
import re
from io import BytesIO

from catalogue.translations import __main__ as translations

BLANK = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def as_tuple(text: str | list[str] | tuple[str, ...] | None) -> tuple[str, ...]:
    return (text or "",) if isinstance(text, str) or text is None else tuple(text)


def test_every_sentence_is_translated() -> None:
    known = {m.id if isinstance(m.id, str) else m.id[0] for m in translations.current() if m.id}
    said = {m.id if isinstance(m.id, str) else m.id[0] for m in translations.gathered() if m.id}
    assert said - known == set(), "run `python -m catalogue.translations` and translate what it lists"
    assert known - said == set(), "run `python -m catalogue.translations`: these sentences are no longer said"
    assert translations.untranslated(translations.current()) == []


def test_a_translation_fills_the_same_blanks() -> None:
    for message in translations.current():
        if not message.id:
            continue
        ids, strings = as_tuple(message.id), as_tuple(message.string)
        wanted = {blank for one in ids for blank in BLANK.findall(one)}
        for string in strings:
            assert set(BLANK.findall(string)) <= wanted, message.id
            if len(ids) == 1:
                assert set(BLANK.findall(string)) == wanted, message.id


def test_the_compiled_catalogue_says_what_the_text_says() -> None:
    shipped = gettext.GNUTranslations(BytesIO(translations.MO.read_bytes()))
    fresh = gettext.GNUTranslations(BytesIO(translations.compiled(translations.current())))
    assert shipped._catalog == fresh._catalog  # type: ignore[attr-defined]
