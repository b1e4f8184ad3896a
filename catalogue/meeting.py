"""A form that was shown before somebody else saved theirs: only what this person changed is written.

The form carries what it was shown with (`vu_<name>`). Where both have changed one thing, each to something else,
nothing is written and the person is shown the other's.
"""

from __future__ import annotations

from collections.abc import Mapping

from catalogue.i18n import _


def meet(now: Mapping[str, str], typed: Mapping[str, str], seen: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What stands `now` with what this person changed over it, and the names that both have changed.

    A form that says nothing of what it was `seen` with is taken whole.
    """
    mine = {name: text for name, text in typed.items() if not _are_one(text, seen.get(name))}
    crossed = [
        name
        for name, text in mine.items()
        if name in seen and not (_are_one(now.get(name, ""), seen[name]) or _are_one(now.get(name, ""), text))
    ]
    return {**now, **mine}, crossed


def told(text: str) -> str:
    """What somebody else has set meanwhile, as a sentence for under the field."""
    words = _("Quelqu’un vient d’y mettre autre chose : « %(text)s ». Gardez ce qui convient, puis enregistrez.")
    return words % {"text": " · ".join(text.splitlines()) or _("vide")}


def _are_one(text: str, other: str | None) -> bool:
    """Browsers send other line ends than were put into the form."""
    return other is not None and text.strip().splitlines() == other.strip().splitlines()
