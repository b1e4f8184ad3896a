"""The differences of two descriptions as a form asks them: each value in its three states, and what may be chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from catalogue import differences, provenance, unimarc
from catalogue.differences import Pieces
from catalogue.i18n import N_, _, current_language
from catalogue.inbox_pages.preview import Preview, preview
from catalogue.merging import GROUPS, Change, Merge, apply, rules
from catalogue.models import Notice
from catalogue.proposals.questions import seen
from catalogue.unimarc import KINDS, Field, Fields

QUESTIONS_SHOWN = 24  # differences of one page; the others come once these are decided
LONGEST_ALSO = 240  # signs
LONGEST_SHOWN = 16_000  # signs of text of one page of differences

NATURES: Mapping[str, str] = {
    "add": N_("ajouté chez eux"),
    "update": N_("changé chez eux"),
    "remove": N_("retiré chez eux"),
    "differ": N_("dit autrement chez eux"),
    "conflict": N_("changé des deux côtés"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One value in its three states."""

    label: str
    base: Pieces
    ours: Pieces
    theirs: Pieces


@dataclass(frozen=True, slots=True)
class Question:
    """One difference: what was agreed, what we say, what they say, and what may be chosen."""

    slot: str
    mark: str
    label: str
    nature: str
    nature_words: str
    lines: tuple[Line, ...]
    choices: tuple[tuple[str, str], ...]
    chosen: str
    proposed: str
    origin: str
    also: str  # what we say of the same, where what they say is one thing more
    always: str  # "abstract.conflict" on the first question that such a rule would be about
    always_words: str
    moved: bool  # it is not what was shown before


@dataclass(frozen=True, slots=True)
class Differences:
    questions: tuple[Question, ...]
    left: int  # shown once these are decided
    preview: Preview
    now: Preview | None = None

    @property
    def has_base(self) -> bool:
        return any(line.base for question in self.questions for line in question.lines)


def origins_of(session: Session, notice: Notice) -> dict[int, str]:
    """Where each of its fields comes from, in words, by the field itself."""
    told = provenance.of_notice(session, notice)
    return {id(f): origin.sentence for f, origin in zip(notice.fields, told, strict=True)}


def differences_of(
    ours: Fields,
    merge: Merge,
    choices: Mapping[str, str],
    marks: Mapping[str, str] | None,
    origins: Mapping[int, str],
    source: str = "",
) -> Differences:
    ordered = sorted(merge.changes, key=lambda c: list(GROUPS).index(c.group))
    ruled: set[tuple[str, str]] = set()
    questions: list[Question] = []
    length = 0
    for change in ordered:
        question = _question(change, merge.claim, choices, marks, origins, source, ruled, ours)
        size = sum(len(text) for n in question.lines for side in (n.base, n.ours, n.theirs) for _op, text in side)
        if questions and (len(questions) == QUESTIONS_SHOWN or length + size > LONGEST_SHOWN):
            break
        questions.append(question)
        ruled.add((change.group, change.nature))
        length += size
    told = {q.slot: q.chosen for q in questions}
    result = apply(ours, merge, {c.slot: told.get(c.slot, "later") for c in merge.changes})
    return Differences(tuple(questions), len(ordered) - len(questions), preview(result, ours))


def _question(
    change: Change,
    claim: int | None,
    choices: Mapping[str, str],
    marks: Mapping[str, str] | None,
    origins: Mapping[int, str],
    source: str,
    ruled: Collection[tuple[str, str]],
    ours: Fields,
) -> Question:
    proposed = change.preselected(claim)
    mark = seen(change)
    lines = list(_lines(change))
    group = GROUPS[change.group].label
    labels = {line.label for line in lines}
    chosen = choices.get(change.slot, proposed)
    kind = rules.KINDS.get(change.nature, "")  # at a first meeting, what differs is for a person alone
    first = bool(source and kind) and (change.group, change.nature) not in ruled
    about = f"{group}, {_(rules.WORDS[kind])}" if kind else ""
    return Question(
        slot=change.slot,
        mark=mark,
        label=next(iter(labels)) if len(labels) == 1 else group,
        nature=change.nature,
        nature_words=_(NATURES[change.nature]),
        lines=tuple(lines),
        choices=tuple((choice, _choice_words(change, choice, both_here=not source)) for choice in change.choices),
        chosen=chosen if chosen in change.choices else proposed,
        proposed=proposed,
        origin=" ; ".join(dict.fromkeys(origins[id(f)] for f in change.ours if id(f) in origins)),
        also="" if change.ours else _also(change, ours),
        always=f"{change.group}.{change.nature}" if first else "",
        always_words=about if first else "",
        moved=marks is not None and marks.get(change.slot) != mark,
    )


def _also(change: Change, ours: Fields) -> str:
    """« Égalité ; Logement »: what we have of the same sort, where what they say is one thing more."""
    values = list(dict.fromkeys(v.text for v in differences.values(list(change.beside)) if v.plain))
    if not values and change.group == "kind":
        kind = KINDS[unimarc.kind(ours)]
        values = [kind.en if current_language() == "en" else kind.fr]
    text = " ; ".join(values)
    return text if len(text) <= LONGEST_ALSO else text[:LONGEST_ALSO].rsplit(" ", 1)[0] + " […]"


def _choice_words(change: Change, choice: str, *, both_here: bool) -> str:
    if both_here:
        return {"ours": _("Celle qui reste"), "theirs": _("L’autre"), "both": _("Les deux")}[choice]
    if choice == "theirs" and change.completed:
        return _("Compléter le nôtre")
    if choice == "theirs" and not change.theirs:
        return _("Retirer, comme eux")
    return {"ours": _("Garder le nôtre"), "theirs": _("Prendre le leur"), "both": _("Garder les deux")}[choice]


def _lines(change: Change) -> Iterator[Line]:
    """The values that differ, by name; codes and numbers only where nothing else does."""
    sides = [_said(side, plain=True) for side in (change.base, change.ours, change.theirs)]
    if sides[1] == sides[2] and (not change.base or sides[0] == sides[1]):
        sides = [_said(side, plain=False) for side in (change.base, change.ours, change.theirs)]
    for label in dict.fromkeys(name for side in reversed(sides) for name in side):
        base, ours, theirs = (side.get(label, "") for side in sides)
        if len({base, ours, theirs} if change.base else {ours, theirs}) == 1 and len(sides[2]) > 1:
            continue
        ours_beside = _against(base, ours) if base else _plain(ours)
        yield Line(label, _plain(base), ours_beside, _against(base or ours, theirs))


def _against(before: str, text: str) -> Pieces:
    """A value beside the one that it is compared with: what differs is marked. Where nearly all of it does, it is
    shown whole: the other stands whole in its own column."""
    if before == text:
        return _plain(text)
    woven = differences.words(before, text)
    apart = before and woven == (("del", before), ("ins", text))
    return _plain(text) if apart else differences.folded(woven)


def _plain(text: str) -> Pieces:
    return differences.folded((("same", text),)) if text else ()


def _said(fields: Iterable[Field], *, plain: bool) -> dict[str, str]:
    out: dict[str, list[str]] = {}
    for value in differences.values(list(fields)):
        if value.plain or not plain:
            out.setdefault(value.label, []).append(value.text)
    return {label: " ; ".join(texts) for label, texts in out.items()}
