"""Names as web services and pages write them, made into those of CSL: « Léa Martin » has a surname and a first name."""

from __future__ import annotations

import re
from typing import Any

from harvest.crosswalk.citation import line
from harvest.crosswalk.gather import is_body

# What begins a surname of several words; what stands for nobody in particular.
_PARTICLES = frozenset(
    ["de", "du", "des", "d'", "d’", "le", "la", "von", "van", "der", "den", "di", "da", "el", "al", "ben"]
)
_NOBODY = re.compile(r"(?:la |notre )?r[ée]daction\b.*|avec (?:afp|reuters)\b.*|anonyme|auteur|admin", re.I)
_BY = re.compile(r"(?:propos recueillis )?par\s+|by\s+", re.I)
MOST = 100


def person(text: str) -> dict[str, Any]:
    """One name in CSL: « Martin, Léa » and « Léa Martin » alike, a body as a literal; {} for nobody.

    >>> person("Jean-Pierre de La Tour")
    {'family': 'de La Tour', 'given': 'Jean-Pierre'}
    """
    name = _BY.sub("", line(text)[:300], count=1).strip(" ,;")
    if not name or name.startswith(("http://", "https://")):
        return {}
    if _NOBODY.fullmatch(name):
        return {}
    if is_body(name):
        return {"literal": name}
    if "," in name:
        family, _comma, given = (part.strip() for part in name.partition(","))
        return {"family": family, "given": given} if given else {"family": family}
    words = name.split()
    if len(words) == 1 or len(words) > 5 or not name[0].isupper():
        return {"literal": name} if len(words) > 1 else {"family": name}
    at = next((n for n, word in enumerate(words[1:], 1) if word.lower() in _PARTICLES), len(words) - 1)
    return {"family": " ".join(words[at:]), "given": " ".join(words[:at])}


def people(value: Any) -> list[dict[str, Any]]:
    """The names of a value: a text, several of them with « ; » or « et » between, schema.org's objects, or a list."""
    out: list[dict[str, Any]] = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            out.append(_of_object(one))
        elif isinstance(one, str):
            out += [person(part) for part in re.split(r"\s*;\s*|\s+(?:et|and|&)\s+", one)]
    seen: list[dict[str, Any]] = []
    for name in out[:MOST]:
        if name and name not in seen:
            seen.append(name)
    return seen


def _of_object(one: dict[str, Any]) -> dict[str, Any]:
    family, given, name = (one.get(key) for key in ("familyName", "givenName", "name"))
    if isinstance(family, str) and family.strip():
        return {"family": family, "given": given if isinstance(given, str) else ""}
    if isinstance(name, list):
        name = next((n for n in name if isinstance(n, str)), "")
    if not isinstance(name, str):
        return {}
    kind = one.get("@type") or one.get("nameType")
    if kind in ("Organization", "NewsMediaOrganization", "Organizational"):
        return {} if _NOBODY.fullmatch(name) else {"literal": line(name)[:300]}
    return person(name)
