"""Words in the user's language, for the web, the command line and the core alike.

French strings are the message identifiers, so that a translation that is missing shows French
and never a code. Only the standard gettext and Babel's formats are used: the core and the
command line speak too, without Flask. The language is a context variable: one request, one task.
"""

from __future__ import annotations

import gettext as _gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache
from pathlib import Path
from unicodedata import normalize

from babel import Locale
from babel.dates import format_date as _format_date
from babel.dates import format_datetime as _format_datetime
from babel.dates import get_timezone
from babel.numbers import format_decimal

LANGUAGES = ("fr", "en")
DIRECTORY = Path(__file__).parent / "translations"
# ISO 639-2, as records say it, to the two letters that HTML and Babel know; both French and both German spellings.
ISO_639 = {
    **{"fre": "fr", "fra": "fr", "eng": "en", "spa": "es", "ita": "it", "por": "pt", "cat": "ca", "bre": "br"},
    **{"ger": "de", "deu": "de", "dut": "nl", "nld": "nl", "dan": "da", "swe": "sv", "nor": "no", "fin": "fi"},
    **{"pol": "pl", "cze": "cs", "ces": "cs", "hun": "hu", "rum": "ro", "ron": "ro", "rus": "ru", "ukr": "uk"},
    **{"gre": "el", "ell": "el", "tur": "tr", "ara": "ar", "heb": "he", "per": "fa", "fas": "fa", "chi": "zh"},
    **{"zho": "zh", "jpn": "ja", "kor": "ko", "vie": "vi", "hin": "hi", "lat": "la", "wol": "wo", "swa": "sw"},
}

_language: ContextVar[str] = ContextVar("travee_language", default="fr")
_zone: ContextVar[str] = ContextVar("travee_zone", default="Europe/Paris")


def N_(message: str) -> str:
    """Mark a sentence for translation without translating it now."""
    return message


@cache
def _translations(language: str) -> _gettext.NullTranslations:
    if language == "fr":
        return _gettext.NullTranslations()
    return _gettext.translation("travee", DIRECTORY, languages=[language], fallback=True)


def _(message: str) -> str:
    return _translations(_language.get()).gettext(message) if message else ""


def ngettext(singular: str, plural: str, n: int) -> str:
    """French says « 0 document » in the singular, English « 0 documents »: each by its own rule."""
    if _language.get() == "fr":
        return singular if abs(n) < 2 else plural
    return _translations(_language.get()).ngettext(singular, plural, n)


def current_language() -> str:
    return _language.get()


def set_language(language: str) -> None:
    """For a request or a process; `use_language` for a block."""
    _language.set(language if language in LANGUAGES else "fr")


def colon() -> str:
    """Between a name and what is said of it, as the language spaces it."""
    return ": " if current_language() == "en" else " : "


@contextmanager
def use_language(language: str) -> Iterator[None]:
    token = _language.set(language if language in LANGUAGES else "fr")
    try:
        yield
    finally:
        _language.reset(token)


def best_language(header: str | None, default: str = "fr") -> str:
    """The first of our languages in a POSIX locale ("en_GB.UTF-8") or a bare code."""
    code = (header or "").lower().replace("-", "_").split("_")[0].split(".")[0]
    return code if code in LANGUAGES else default


def format_number(n: int | float) -> str:
    """10 398 in French, with the narrow no-break space that typographers ask for."""
    return format_decimal(n, locale=_language.get())


def format_date(value: date | datetime | None, style: str = "long") -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(get_timezone(_zone.get())).date()
    return _first_of_month(_format_date(value, style, locale=_language.get()))


def _first_of_month(words: str) -> str:
    """French says « 1er décembre », which Babel does not write."""
    return f"1er{words[1:]}" if _language.get() == "fr" and words.startswith("1 ") else words


def format_instant(value: datetime | None) -> str:
    """« 21 mars 2024, 03:12 » in local time: instants are kept in UTC."""
    if value is None:
        return ""
    pattern = "d MMMM y, HH:mm"
    words = _format_datetime(value, pattern, tzinfo=get_timezone(_zone.get()), locale=_language.get())
    return _first_of_month(words)


def format_time(value: datetime) -> str:
    """« 14:02 », on the centre's clock."""
    return _format_datetime(value, "HH:mm", tzinfo=get_timezone(_zone.get()), locale=_language.get())


def language_name(code: str) -> str:
    """« anglais » for "eng"; the code itself where nobody has a name for it."""
    return str(Locale.parse(_language.get()).languages.get(ISO_639.get(code, code), code))


def said(labels: tuple[str, str]) -> str:
    """The French or the English of a table's row, by the language of the page."""
    return labels[1] if current_language() == "en" else labels[0]


def of(name: str) -> str:
    """« de RECI », « d’espace-doc » in French; the name alone in English, whose sentences have their own word for it.

    An h is left alone: nobody can tell « Habitat » from « Halles » by its letters.
    """
    if _language.get() != "fr":
        return name
    first = normalize("NFD", name[:1].lower())[:1]
    return f"d’{name}" if first and first in "aeiouyœæ" else f"de {name}"
