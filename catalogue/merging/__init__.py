"""Merging with provenance: three states of a description, compared field by field. Pure: no database here.

`slots` says what is one question (slots.toml), `threeway` compares, `applying` makes fields of what was decided,
`rules` is what a person lets a source do by itself. The services above: `catalogue.proposals` (a source's record and
our notice) and `catalogue.joining` (two notices of ours).
"""

from catalogue.merging.applying import apply, reverse
from catalogue.merging.slots import GROUPS, SLOTS, Group, group_of, said, slot_of
from catalogue.merging.threeway import (
    CATEGORIES,
    CHOICES,
    NATURES,
    Change,
    Merge,
    NoAnswer,
    barred,
    category,
    check_choices,
    check_words,
    three_way,
)

__all__ = [
    "CATEGORIES",
    "CHOICES",
    "GROUPS",
    "NATURES",
    "SLOTS",
    "Change",
    "Group",
    "Merge",
    "NoAnswer",
    "apply",
    "barred",
    "category",
    "check_choices",
    "check_words",
    "group_of",
    "reverse",
    "said",
    "slot_of",
    "three_way",
]
