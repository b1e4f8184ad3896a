"""What changes an authority and every notice that carries it, in one lot: rename, merge, promote.

The fields of the notices are written anew (name and numbers; the role, the subdivisions and all that belongs to
the notice stay), and what is written is ours: a harvest does not take it back, it waits for a person. Everything
goes through `notices.revise_many`, so that an undo restores notice by notice what nobody touched since, and lists
the rest (`lots.undo`). Ask `affected` first: it tells how many notices an act would change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import authorities, db, headings, history, notices
from catalogue.authorities import Stale
from catalogue.entities import AUTHOR, CATEGORY
from catalogue.headings import Term, Written
from catalogue.models import Agent, Batch, Concept, ConceptScheme, ExternalId, Notice, NoticeConcept, Source
from catalogue.text import fold
from catalogue.unimarc import Field, Fields, clean, first, subfields

LIVING = ("draft", "candidate", "published", "withdrawn")  # a withdrawn notice may come back, and shows the new name
Versions = Mapping[int, int]
Rewrite = Callable[[Field, str, int], Field]  # the field, whose numbers it has, the agent or concept that it names


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did: its lot (None when nothing changed), how many notices it changed, what is left of several."""

    batch: Batch | None
    notices: int = 0
    kept: int | None = None


# --- before ------------------------------------------------------------------------------------


def affected(session: Session, *rows: Agent | Concept) -> int:
    """How many notices carry these agents or concepts."""
    by_table: dict[type[Any], list[int]] = {}
    for row in rows:
        by_table.setdefault(type(row), []).append(row.id)
    ids = {n for table, some in by_table.items() for n in authorities.notices_naming(session, table, some)}
    return len(living(session, ids))


def affected_by_keyword(session: Session, *keywords: str) -> int:
    """How many notices have one of these free keywords."""
    return len(living(session, {n for keyword in keywords for n in _with_keyword(session, keyword)}))


# --- agents ------------------------------------------------------------------------------------


def rename_agent(
    session: Session,
    agent: Agent,
    name: str,
    *,
    by: str,
    dates: str | None = None,
    heading: headings.Pairs = (),
    also: Mapping[str, Any] | None = None,
    expected_version: int | None = None,
    why: str = "",
) -> Done:
    """Give an agent another name everywhere; the old one stays as a form that finds it.

    `heading` says how the name is written by subfield where « Family, Given » does not; else what the old heading
    had beside the name (a title, a number) stays. `also`: what else is said of it in the same lot (variants,
    identifiers, note). Raises `Stale` when the agent is no longer at `expected_version`.
    """
    fresh(session, [agent], expected_version)
    name = clean(name) or agent.name
    dates = agent.dates if dates is None else clean(dates)
    pairs = [list(p) for p in heading] or _reheaded(agent, name, dates)
    renamed = (name, dates, pairs) != (agent.name, agent.dates, agent.heading)
    values: dict[str, Any] = dict(also or {})
    if renamed:
        forms = (*values.get("variants", agent.variants), agent.name)
        values |= {"name": name, "dates": dates, "heading": pairs}
        values["variants"] = [v for v in dict.fromkeys(forms) if v != name]
    if all(getattr(agent, key) == value for key, value in values.items()):
        return Done(None)
    told = why or (f"{agent.name} → {name}" if name != agent.name else agent.name)
    batch = history.open_batch(session, "rename" if renamed else "edit", by=by, why=told)
    authorities.put_agents(session, [(agent, values)], batch=batch)
    if not renamed:
        return Done(batch)
    written = _written(session, agent)
    carried = _carried(session, Agent, {agent.id}, lambda f, s, _n: headings.with_agent(f, written, source=s))
    return Done(batch, len(notices.revise_many(session, carried, batch=batch)))


class Otherwise(Exception):
    """The agent has another number of that file already: `known`."""

    def __init__(self, known: str) -> None:
        super().__init__(known)
        self.known = known


def identify_agent(
    session: Session,
    agent: Agent,
    numbers: Mapping[str, str],
    *,
    by: str,
    variant: str = "",
    dates: str = "",
    expected_version: int | None = None,
) -> Done:
    """Say under which numbers the world knows an agent, and add what was chosen besides: a form, dates where there were
    none. Nothing is written over: raises `Otherwise`."""
    fresh(session, [agent], expected_version)
    for scheme, number in numbers.items():
        if (known := agent.identifiers.get(scheme, "")) and known != number:
            raise Otherwise(known)
    variant = clean(variant)
    forms = [variant] if variant and variant != agent.name else []
    also = {
        "identifiers": {**agent.identifiers, **numbers},
        "variants": list(dict.fromkeys((*agent.variants, *forms))),
    }
    why = f"{agent.name} : {', '.join(f'{scheme} {number}' for scheme, number in numbers.items())}"
    return rename_agent(session, agent, agent.name, dates=agent.dates or dates, also=also, by=by, why=why)


def merge_agents(
    session: Session,
    kept: Agent,
    others: Sequence[Agent],
    *,
    by: str,
    name: str = "",
    expected: Versions | None = None,
    why: str = "",
) -> Done:
    """Make one agent of several: every notice of the others gets the name and the numbers of the one that is kept.

    `name`: another form for all of them, the kept one too.
    """
    history.take(session, "change", 0)
    others = [other for other in others if other.id != kept.id]
    _fresh(session, [kept, *others], expected or {})
    if not others:
        return Done(None)
    name = clean(name) or kept.name
    batch = history.open_batch(session, "merge", by=by, why=why or _named(name, [o.name for o in others]))
    ids = {other.id for other in others}
    values = authorities.with_forms_of(kept, others)
    written = _written(session, kept)
    if name != kept.name:
        ids.add(kept.id)
        values |= {"name": name, "heading": _reheaded(kept, name, values["dates"])}
        values["variants"] = [v for v in dict.fromkeys((*values["variants"], kept.name)) if v != name]
        written = replace(written, heading=values["heading"])
    carried = list(
        _carried(
            session,
            Agent,
            ids,
            lambda f, s, n: headings.with_agent(f, written, source=s, renumbered=n != kept.id),
        )
    )
    merged: list[tuple[Agent, Mapping[str, Any]]] = [(kept, values)]
    merged += [(other, {"status": "merged", "merged_into_id": kept.id}) for other in others]
    authorities.put_agents(session, merged, batch=batch)
    return Done(batch, len(notices.revise_many(session, carried, batch=batch)), kept.id)


# --- concepts ----------------------------------------------------------------------------------


def rename_concept(
    session: Session,
    concept: Concept,
    label: str,
    *,
    by: str,
    language: str = "fr",
    expected_version: int | None = None,
    why: str = "",
) -> Done:
    """Give a concept another preferred label in a language, in the notices too; the old one becomes a synonym."""
    fresh(session, [concept], expected_version)
    label = clean(label)
    labels = authorities.labels_of(session, [concept.id])[concept.id]
    old = {text for lang, type_, text in labels if (lang, type_) == (language, "preferred")} or {concept.label}
    if not label or old == {label}:
        return Done(None)
    names = _names(session, concept)
    batch = history.open_batch(session, "rename", by=by, why=why or f"{min(old)} → {label}")
    after = {one for one in labels if one[:2] != (language, "preferred") and one[::2] != (language, label)}
    after |= {(language, "preferred", label)} | {(language, "alternate", text) for text in old}
    shown = label if language == "fr" or concept.label in old else concept.label
    values = {"labels": sorted(list(one) for one in after), "label": shown}
    term = _term(session, concept, label, names)

    def rewrite(f: Field, _source: str, _concept: int) -> Field:
        spoken = headings.language_of(f)
        return headings.with_label(f, term) if spoken in ("", language) else f

    carried = list(_carried(session, Concept, {concept.id}, rewrite))
    return put_concept(session, concept, values, carried, batch=batch)


def put_concept(
    session: Session,
    concept: Concept,
    values: Mapping[str, Any],
    carried: Sequence[tuple[Notice, Fields]],
    *,
    batch: Batch,
) -> Done:
    """Write a concept and the notices that say it, and let lines lead to it by its words as they are now."""
    authorities.put_concepts(session, [(concept, values)], batch=batch)
    done = Done(batch, len(notices.revise_many(session, carried, batch=batch)))
    notices.relink_concepts(session, [concept.id])
    return done


def merge_concepts(
    session: Session,
    kept: Concept,
    others: Sequence[Concept],
    *,
    by: str,
    expected: Versions | None = None,
    why: str = "",
) -> Done:
    """Make one concept of several: their labels become its synonyms, their notices carry it, what stood under them
    stands under it."""
    history.take(session, "change", 0)
    others = [other for other in others if other.id != kept.id]
    _fresh(session, [kept, *others], expected or {})
    if not others:
        return Done(None)
    batch = history.open_batch(session, "merge", by=by, why=why or _named(kept.label, [o.label for o in others]))
    term = _term(session, kept, kept.label, _names(session, *others))
    ids = {other.id for other in others}
    carried = list(_carried(session, Concept, ids, lambda f, s, _n: headings.with_term(f, term, source=s)))
    labels = authorities.labels_of(session, [kept.id, *ids])
    known = {one[::2] for one in labels[kept.id]}
    more = {(lang, "alternate", text) for n in ids for lang, _type, text in labels[n] if (lang, text) not in known}
    values: dict[int, dict[str, Any]] = {
        kept.id: {"labels": sorted(list(one) for one in labels[kept.id] | more)},
        **{other.id: {"status": "merged", "merged_into_id": kept.id} for other in others},
    }
    for owner, placed in authorities.relations_without(session, ids, [kept.id]).items():
        values.setdefault(owner, {})["relations"] = sorted(list(one) for one in placed)
    merged = [(session.get_one(Concept, number), changed) for number, changed in values.items()]
    authorities.put_concepts(session, merged, batch=batch)
    done = Done(batch, len(notices.revise_many(session, carried, batch=batch)), kept.id)
    notices.relink_concepts(session, [kept.id, *ids])
    return done


def promote(
    session: Session,
    keyword: str,
    *,
    by: str,
    scheme: ConceptScheme | None = None,
    concept: Concept | None = None,
    label: str = "",
    synonyms: Iterable[str] = (),
    why: str = "",
) -> tuple[Concept, Done]:
    """Make a descriptor of a free keyword: every notice that has it (or one of its `synonyms`) gets the descriptor.

    It becomes a new concept of `scheme`, or another way to find `concept`. In the notices the descriptor (606)
    takes the keyword's place: what a 610 says besides stays.
    """
    history.take(session, "change", 0)
    words = [w for w in dict.fromkeys(clean(w) for w in (keyword, *synonyms)) if w]
    batch = history.open_batch(session, "promote", by=by, why=why or keyword)
    if concept is None:
        concept = authorities.add_concept(
            session, scheme or _own_scheme(session), label or words[0], words, batch=batch
        )
    else:
        _fresh(session, [concept], {})
        labels = authorities.labels_of(session, [concept.id])[concept.id]
        known = {fold(text) for _language, _type, text in labels}
        more = {("fr", "alternate", word) for word in words if fold(word) not in known}
        values = {"labels": sorted(list(one) for one in labels | more)}
        authorities.put_concepts(session, [(concept, values)], batch=batch)
    folded = {fold(word) for word in words}
    ids = {n for word in words for n in _with_keyword(session, word)}
    subject = headings.make_subject(_term(session, concept, concept.label, frozenset(folded)))
    rows = [(notice, _promoted(notice.fields, folded, subject)) for notice in _load(session, living(session, ids))]
    done = Done(batch, len(notices.revise_many(session, rows, batch=batch)))
    notices.relink_concepts(session, [concept.id])
    return concept, done


def say_subject(
    session: Session, keywords: Iterable[str], label: str, *, by: str, concept: Concept | None = None
) -> Done:
    """What `promote` does to the notices, and nothing to the thesaurus: by somebody who may not write in it.

    They say `concept` in the keywords' place; where there is none, `label`, a candidate (`candidate_terms`).
    """
    words = [w for w in dict.fromkeys(clean(w) for w in keywords) if w]
    label = concept.label if concept else clean(label)
    batch = history.open_batch(session, "promote", by=by, why=_named(label, words))
    folded = {fold(word) for word in words}
    ids = {n for word in words for n in _with_keyword(session, word)}
    subject = Field(t="606", i="  ", s=[["a", label]])
    if concept is not None:
        subject = headings.make_subject(_term(session, concept, label, frozenset()))
    rows = [(notice, _promoted(notice.fields, folded, subject)) for notice in _load(session, living(session, ids))]
    return Done(batch, len(notices.revise_many(session, rows, batch=batch)))


def _own_scheme(session: Session) -> ConceptScheme:
    """Where words of our own go when no thesaurus is named."""
    scheme = authorities.find_scheme(session, "local")
    if scheme is None:
        scheme = ConceptScheme(code="local", uri="", title={"fr": "Descripteurs locaux", "en": "Local descriptors"})
        session.add(scheme)
        session.flush()
    return scheme


def rewritten(session: Session, concept: Concept, word: str) -> list[tuple[Notice, Fields]]:
    """The notices that say a concept by this word of it, each with the concept's own label instead."""
    term = _term(session, concept, concept.label, _names(session, concept))

    def rewrite(f: Field, _source: str, _concept: int) -> Field:
        return headings.with_label(f, term) if fold(word) in (fold(_whole(f)), fold(first(f, "a"))) else f

    carried = _carried(session, Concept, {concept.id}, rewrite)
    return [(notice, fields) for notice, fields in carried if fields != notice.fields]


# --- the notices -------------------------------------------------------------------------------


def _carried(session: Session, table: type[Any], ids: set[int], rewrite: Rewrite) -> Iterator[tuple[Notice, Fields]]:
    """The notices that carry these rows, each with the fields that name them written anew."""
    labels = frozenset() if table is Agent else authorities.sharing_labels(session, ids)[0]
    tags = headings.NAME if table is Agent else headings.SUBJECTS
    for notice_ids in db.chunks(sorted(living(session, authorities.notices_naming(session, table, ids)))):
        found = _load(session, notice_ids)
        scopes = notices.scopes(session, [notice.id for notice in found])
        resolve = authorities.resolve_agents if table is Agent else authorities.resolve_concepts
        marks = {headings.mark_of(f, scopes[notice.id]) for notice in found for f in notice.fields if f["t"] in tags}
        leads_to = resolve(session, marks)
        known = _by_label(session, table, found) if labels else {}
        for notice in found:
            scope = scopes[notice.id]
            fields: Fields = []
            for f in notice.fields:
                named = _named_by(f, leads_to(headings.mark_of(f, scope)), known) if f["t"] in tags else None
                if named is not None and named in ids:
                    source = next((s for claim in f.get("o", ()) if (s := scope(claim))), "") or scope("")
                    new = rewrite(f, source, named)
                    f = new if new.get("s") != f.get("s") else f
                fields.append(f)
            yield notice, fields


def _named_by(f: Field, found: int | None, known: Mapping[tuple[str, str], int]) -> int | None:
    """By its number, or, for a subject without one, by its label, as the projection finds it."""
    return known.get((fold(_whole(f)), _scheme_of(f))) if found is None else found


def _by_label(session: Session, table: type[Any], found: Sequence[Notice]) -> dict[tuple[str, str], int]:
    wanted = {
        (fold(_whole(f)), _scheme_of(f)) for notice in found for f in notice.fields if f["t"] in headings.SUBJECTS
    }
    return {key: known.concept_id for key, known in authorities.match_labels(session, wanted).items()}


def _whole(f: Field) -> str:
    return " -- ".join(clean(v) for v in subfields(f, "axyz") if v.strip())


def _scheme_of(f: Field) -> str:
    return first(f, "2") or headings.typed(f, "idthes")


def _with_keyword(session: Session, keyword: str) -> set[int]:
    """The notices that have this free keyword, however it is written."""
    folded = fold(keyword)
    statement = select(NoticeConcept.label).where(NoticeConcept.free.is_(True)).distinct()
    forms = [label for label in session.scalars(statement) if fold(label) == folded]
    out: set[int] = set()
    for part in db.chunks(forms):
        named = select(NoticeConcept.notice_id).where(NoticeConcept.free.is_(True), NoticeConcept.label.in_(part))
        out |= set(session.scalars(named))
    return out


def _promoted(fields: Fields, folded: set[str], subject: Field) -> Fields:
    """The descriptor instead of the keyword; PMB writes all its keywords in one 610, joined by `;`."""
    out: Fields = []
    taken = False
    for f in fields:
        if f["t"] != "610":
            out.append(f)
            continue
        pairs = [[code, _without(value, folded) if code == "a" else value] for code, value in f.get("s", ())]
        if pairs == f.get("s"):
            out.append(f)
            continue
        taken = True
        pairs = [pair for pair in pairs if pair[1]]
        if any(code == "a" for code, _value in pairs):
            out.append({**f, "s": pairs})
    has_it = any(f["t"] == "606" and fold(_whole(f)) == fold(_whole(subject)) for f in out)
    if not taken or has_it:
        return out if taken else fields
    at = next((n for n, f in enumerate(out) if f["t"] > "606"), len(out))
    return [*out[:at], subject, *out[at:]]


def _without(value: str, folded: set[str]) -> str:
    words = value.split(";")
    kept = [word for word in words if fold(word) not in folded]
    return value if len(kept) == len(words) else ";".join(kept).strip()


def living(session: Session, ids: Iterable[int]) -> list[int]:
    """Among these notices, those that an act on an authority changes."""
    out: list[int] = []
    for part in db.chunks(sorted(ids)):
        out += session.scalars(
            select(Notice.id).where(Notice.id.in_(part), Notice.status.in_(LIVING)).order_by(Notice.id)
        )
    return out


def _load(session: Session, ids: Sequence[int]) -> list[Notice]:
    return [
        notice
        for part in db.chunks(ids)
        for notice in session.scalars(select(Notice).where(Notice.id.in_(part)).order_by(Notice.id))
    ]


# --- the parts ---------------------------------------------------------------------------------


def fresh(session: Session, rows: Sequence[Any], expected_version: int | None) -> None:
    """Nobody else writes from here on, and the first of these is still at this version; raises `Stale`."""
    history.take(session, "change", 0)
    _fresh(session, rows, {rows[0].id: expected_version} if expected_version is not None else {})


def _fresh(session: Session, rows: Sequence[Any], expected: Versions) -> None:
    """As they stand in the base now that nobody else writes."""
    for row in rows:
        session.refresh(row)
        if row.status != "accepted" or row.version != expected.get(row.id, row.version):
            raise Stale(row)


def _reheaded(agent: Agent, name: str, dates: str) -> list[list[str]]:
    """The heading of a new name, with what the old one had beside name and dates ($c a title, $d a number)."""
    letters = "ab" if agent.type == "person" else "a" if agent.type == "family" else "ab"
    beside = [list(p) for p in agent.heading if p[0] not in (*letters, "f")]
    own = [list(p) for p in headings.make_heading(agent.type, name)]
    return [*own, *beside, *([["f", dates]] if dates else [])]


def _written(session: Session, agent: Agent) -> Written:
    pairs = agent.heading or [list(p) for p in headings.make_heading(agent.type, agent.name, agent.dates)]
    return Written(agent.id, pairs, _numbers(session, "agent", AUTHOR, agent.id), dict(agent.identifiers))


def _term(session: Session, concept: Concept, label: str, names: frozenset[str]) -> Term:
    scheme = session.get(ConceptScheme, concept.scheme_id)
    return Term(
        concept.id,
        label,
        names,
        scheme.code if scheme else "",
        concept.uri,
        _numbers(session, "concept", CATEGORY, concept.id),
    )


def _names(session: Session, *concepts: Concept) -> frozenset[str]:
    labels = authorities.labels_of(session, [concept.id for concept in concepts])
    return frozenset(fold(text) for some in labels.values() for _language, _type, text in some)


def _numbers(session: Session, entity: str, space: str, number: int) -> dict[str, str]:
    """Source -> what it calls the row."""
    statement = (
        select(Source.name, ExternalId.value)
        .join(Source, Source.id == ExternalId.source_id)
        .where(ExternalId.entity == entity, ExternalId.space == space, ExternalId.entity_id == number)
        .order_by(ExternalId.id.desc())
    )
    return {name: value for name, value in session.execute(statement)}


def _named(kept: str, others: Sequence[str]) -> str:
    """« Dumas, A. → Dumas, Agnès »: why a lot is there, in a line."""
    words = ", ".join(others[:3]) + (" …" if len(others) > 3 else "")
    return f"{words} → {kept}"
