"""Themes in the language of the page.

Addresses, filters and the index know a theme by its French label; a page in another language says it as the thesaurus
does, and leaves in French, marked so, what the thesaurus does not say. Set for each request, as its language is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from catalogue.i18n import current_language

_NONE: Mapping[str, str] = {}
_names: ContextVar[Mapping[str, str]] = ContextVar("names of themes", default=_NONE)


def speak(names: Mapping[str, str]) -> None:
    """`names`: French label -> the label in the language of the page."""
    _names.set(names)


def theme_words(label: str) -> str:
    return _said().get(label, label)


def theme_language(label: str) -> str:
    """What its words are in, for `lang`: "" for the page's own language."""
    return "" if label in _said() else "fr"


def _said() -> Mapping[str, str]:
    return _names.get() if current_language() != "fr" else _NONE
