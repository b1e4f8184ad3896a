"""What decisions make of a merge: our fields with what was taken over, and a merge taken back. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from catalogue import unimarc
from catalogue.merging.slots import Said, remembering, said
from catalogue.merging.threeway import Change, Merge, three_way
from catalogue.unimarc import Field, Fields

MAIN = ("700", "710", "720")  # who a record is by; it has one


def _second(tag: str) -> str:
    """The rank of those who come beside the main author."""
    return f"{tag[:2]}1" if tag in MAIN else tag


def apply(ours: Fields, merge: Merge, decisions: Mapping[str, str] | None = None) -> Fields:
    """Our fields once these decisions are taken: slot -> ours, theirs, both or later; the rest as preselected.

    What comes from them is said by their claim ("o") and has no revision yet; what both say is said by both. The
    order is ours: a new value goes where the old one was, or beside those of its tag.
    """
    told = dict(merge.preselected()) | dict(decisions or {})
    says = remembering()
    total = Counter(map(says, merge.theirs))
    out: Fields = [f.copy() for f in ours]
    there = Counter(map(says, out))
    brought: list[Field] = []
    for change in merge.changes:
        choice = told[change.slot]
        if choice in ("theirs", "both"):
            brought += _take(out, there, change, choice, total, merge.claim, says)
    _demote(ours, out, merge.theirs, brought)
    return _agreed(out, merge, brought, says)


def _take(
    out: Fields,
    there: Counter[Said],
    change: Change,
    choice: str,
    total: Counter[Said],
    claim: int | None,
    said: Callable[[Field], Said],
) -> list[Field]:
    """Put what they say into `out`, where `there` counts what is said; returns what came."""
    new = [change.completed] if change.completed else list(change.theirs)
    place = None
    if choice == "theirs":
        gone = Counter(map(said, change.ours)) - Counter(map(said, new))
        for n in range(len(out) - 1, -1, -1) if gone else ():
            if gone[says := said(out[n])] > 0:
                gone[says] -= 1
                there[says] -= 1
                del out[n]
                place = n
    had = [o for f in change.ours for o in f.get("o", ())]
    brought = []
    for f in new:
        says = said(f)
        ranks = {says, (_second(f["t"]), *says[1:])}  # as it comes, and as `_demote` may have put it before
        if sum(there[rank] for rank in ranks) >= max(total[says], 1):
            continue
        came = f if "o" in f and not change.completed else _from(f, [*had, claim] if change.completed else [claim])
        at = _beside(out, f["t"]) if place is None else place
        out.insert(at, came)
        there[said(came)] += 1
        place = at + 1
        brought.append(came)
    return brought


def _from(f: Field, origins: Iterable[Any]) -> Field:
    return {**unimarc.bare(f), "o": list(dict.fromkeys(o for o in origins if o is not None))}


def _beside(out: Fields, tag: str) -> int:
    """Behind the last field of the same tag, else before the first of a higher one."""
    same = [n for n, f in enumerate(out) if f["t"] == tag]
    if same:
        return same[-1] + 1
    return next((n for n, f in enumerate(out) if f["t"] > tag), len(out))


def _demote(ours: Fields, out: Fields, theirs: Fields, brought: list[Field]) -> None:
    """A record has one main author: one who comes beside ours takes the next rank, unless they have several too."""
    counts = [sum(f["t"] in MAIN for f in fields) for fields in (out, ours, theirs)]
    over = counts[0] - max(counts[1], counts[2], 1)
    for f in reversed([f for f in brought if f["t"] in MAIN][-over:] if over > 0 else []):
        n = next(n for n, there in enumerate(out) if there is f)
        moved: Field = {**f, "t": _second(f["t"])}
        del out[n]
        out.insert(_beside(out, moved["t"]), moved)


def _agreed(out: Fields, merge: Merge, brought: list[Field], said: Callable[[Field], Said]) -> Fields:
    """What both say is said by both; the numbers and days inside a field of theirs alone are brought up to date."""
    theirs = {said(f): f for f in merge.theirs}
    new = {id(f) for f in brought}
    done: Fields = []
    for f in out:
        same = theirs.get(said(f)) if id(f) not in new else None
        if same is not None and "o" in f:
            who = same.get("o") or ([merge.claim] if merge.claim is not None else [])
            if f["o"] == who and merge.claim is not None:
                f = {**unimarc.bare(same), **{k: f[k] for k in ("o", "r") if k in f}}  # type: ignore[typeddict-item]
            else:
                f = {**f, "o": list(dict.fromkeys([*f["o"], *who]))}
        done.append(f)
    return done


# --- taking back -----------------------------------------------------------------------------


def reverse(after: Fields, now: Fields, before: Fields, *, kept: Iterable[Said] = ()) -> Fields:
    """What a merge made of `before`, taken out of how the notice stands now: later edits win.

    `kept`: what somebody else says too, and must not go with the one who leaves.
    """
    others = set(kept)
    if now == after and not others & {said(f) for f in after}:
        return [f.copy() for f in before]
    merge = three_way(after, now, before, exact=True)
    changes, decisions = [], {}
    for change in merge.changes:
        choice = "theirs"
        if change.nature == "conflict":
            change, choice = _edited_since(change)
        if choice == "theirs" and any(said(f) in others for f in change.ours):
            choice = "both" if change.theirs else "ours"
        changes.append(change)
        decisions[change.slot] = choice
    out = apply(now, Merge(tuple(changes), before), decisions)
    return _as_before(out, after, now, before)


def _edited_since(change: Change) -> tuple[Change, str]:
    """A slot that somebody has changed since the merge: what they wrote stays, what they took away does not come
    back, and what the merge had brought leaves."""
    if Counter(map(said, change.ours)) - Counter(map(said, change.base)):
        return change, "ours"
    had = Counter(map(said, change.theirs))
    left = []
    for f in change.ours:
        if had[says := said(f)] > 0:
            had[says] -= 1
            left.append(f)
    return replace(change, theirs=tuple(left)), "theirs"


def _as_before(out: Fields, after: Fields, now: Fields, before: Fields) -> Fields:
    """Who says it, and since when, for what the merge had only signed."""
    was = {said(f): f for f in before}
    signed = {said(f): f.get("o") for f in after}
    stands = {said(f): f.get("o") for f in now}
    done: Fields = []
    for f in out:
        says = said(f)
        if says in was and stands.get(says) == signed.get(says):
            f = {**f, **{k: was[says][k] for k in ("o", "r") if k in was[says]}}  # type: ignore[typeddict-item]
        done.append(f)
    return done
