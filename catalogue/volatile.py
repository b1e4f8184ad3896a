"""What a PMB changes without the document having changed: left out of fingerprints, and never a difference. Pure."""

from __future__ import annotations

from functools import lru_cache

# (tags, codes, beginning of the value, why). "*" is any tag; a code "" is the value of a control field.
PMB_VOLATILE: tuple[tuple[str, str, str, str], ...] = (
    ("801", "c", "", "the day of the export: changes every day"),
    ("896", "a", "", "thumbnail: the address of the PMB, not of the document"),
    ("009", "u", "", "the day of the last change in PMB, even when nothing we read has changed"),
    ("009", "c", "", "the day it was made in PMB: in 100 $a too, and here in recent versions only"),
    ("*", "9", "id:", "numbers of authorities and of linked records: they follow PMB's own mergings"),
    ("461 462 463 464", "0", "", "number of a linked record, there or not by the options of the export"),
    ("996", "n", "", "return date: moves with every loan"),
    ("996", "9", "expl_id:", "number of the copy in the base"),
    ("996", "9", "expl_date_retour:", "return date once more"),
    ("996", "9", "last_loan_date:", "loans, not the document"),
    ("996", "9", "update_date:", "the day of the last change of the copy"),
    ("996", "9", "expl_prix:", "in a dump of the base only"),
    ("996", "9", "expl_nbparts:", "in a dump of the base only"),
    ("996", "9", "statut_visible_opac:", "whether the public sees the copy: in a dump of the base only"),
    ("996", "9", "location_visible_opac:", "the same, by its location"),
    ("996", "9", "section_visible_opac:", "the same, by its section"),
    ("996", "9", "expl_visible_opac:", "the same, by the status of its record"),
)
_RULES: dict[str, dict[str, tuple[str, ...]]] = {}  # by subfield: most of them are in no rule
for _tags, _code, _start, _why in PMB_VOLATILE:
    for _tag in _tags.split():
        _starts = _RULES.setdefault(_code, {})
        _starts[_tag] = (*_starts.get(_tag, ()), _start)


# Tag -> the codes that a rule is about; most fields have none but those of "*".
_TAGS = {tag for starts in _RULES.values() for tag in starts}
VOLATILE_CODES = {tag: frozenset(c for c, starts in _RULES.items() if {tag, "*"} & starts.keys()) for tag in _TAGS}


def volatile(tag: str, code: str, value: str) -> bool:
    """Whether PMB changes this value without the document having changed: for `unimarc.fingerprint`.

    The `id` attribute of links ("x") is no subfield and never enters a fingerprint: it is the same number
    as their `$9 id:`.
    """
    return value.startswith(_starts_of(tag, code))


@lru_cache(maxsize=4096)
def _starts_of(tag: str, code: str) -> tuple[str, ...]:
    rules = _RULES.get(code, {})
    return (*rules.get(tag, ()), *rules.get("*", ()))
