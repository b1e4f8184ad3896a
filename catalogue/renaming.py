"""What changes an authority and every notice that carries it, in one lot: rename, merge, promote.

The fields of the notices are written anew (name and numbers; the role, the subdivisions and all that belongs to
the notice stay), and what is written is ours: a harvest does not take it back, it waits for a person. Everything
goes through `notices.revise_many`, so that an undo restores notice by notice what nobody touched since, and lists
the rest (`lots.undo`). Ask `affected` first: it tells how many notices an act would change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
Rewrite = Callable[[Field, str], Field]


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did: its lot (None when nothing changed), and how many notices it changed."""

    batch: Batch | None
    notices: int = 0


# --- before ------------------------------------------------------------------------------------


def affected(session: Session, *rows: Agent | Concept) -> int:
    """How many notices carry these agents or concepts."""
    by_table: dict[type[Any], list[int]] = {}
    for row in rows:
        by_table.setdefault(type(row), []).append(row.id)
    ids = {n for table, some in by_table.items() for n in authorities.notices_naming(session, table, some)}
    return len(_living(session, ids))


def affected_by_keyword(session: Session, *keywords: str) -> int:
    """How many notices have one of these free keywords."""
    return len(_living(session, {n for keyword in keywords for n in _with_keyword(session, keyword)}))


# --- agents ------------------------------------------------------------------------------------


def rename_agent(
    session: Session,
    agent: Agent,
    name: str,
    *,
    by: str,
    dates: str | None = None,
    heading: headings.Pairs = (),
    expected_version: int | None = None,
    why: str = "",
) -> Done:
    """Give an agent another name everywhere; the old one stays as a form that finds it.

    `heading` says how the name is written by subfield where « Family, Given » does not; else what the old heading
    had beside the name (a title, a number) stays. Raises `Stale` when the agent is no longer at `expected_version`.
    """
    history.take(session, "change", 0)
    _fresh(session, [agent], {agent.id: expected_version} if expected_version is not None else {})
    name = clean(name)
    dates = agent.dates if dates is None else clean(dates)
    pairs = [list(p) for p in heading] or _reheaded(agent, name, dates)
    if not name or (name, dates, pairs) == (agent.name, agent.dates, agent.heading):
        return Done(None)
    batch = history.open_batch(session, "rename", by=by, why=why or f"{agent.name} → {name}")
    variants = [v for v in dict.fromkeys((*agent.variants, agent.name)) if v != name]
    values = {"name": name, "dates": dates, "heading": pairs, "variants": variants}
    authorities.put_agents(session, [(agent, values)], batch=batch)
    written = _written(session, agent)
    carried = _carried(session, Agent, {agent.id}, lambda f, s: headings.with_agent(f, written, source=s))
    return Done(batch, len(notices.revise_many(session, carried, batch=batch)))


def merge_agents(
    session: Session,
    kept: Agent,
    others: Sequence[Agent],
    *,
    by: str,
    expected: Versions | None = None,
    why: str = "",
) -> Done:
    """Make one agent of several: every notice of the others gets the name and the numbers of the one that is kept."""
    history.take(session, "change", 0)
    others = [other for other in others if other.id != kept.id]
    _fresh(session, [kept, *others], expected or {})
    if not others:
        return Done(None)
    batch = history.open_batch(session, "merge", by=by, why=why or _named(kept.name, [o.name for o in others]))
    written = _written(session, kept)
    carried = list(
        _carried(
            session,
            Agent,
            {other.id for other in others},
            lambda f, s: headings.with_agent(f, written, source=s, renumbered=True),
        )
    )
    merged: list[tuple[Agent, Mapping[str, Any]]] = [(kept, authorities.with_forms_of(kept, others))]
    merged += [(other, {"status": "merged", "merged_into_id": kept.id}) for other in others]
    authorities.put_agents(session, merged, batch=batch)
    return Done(batch, len(notices.revise_many(session, carried, batch=batch)))


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
    history.take(session, "change", 0)
    _fresh(session, [concept], {concept.id: expected_version} if expected_version is not None else {})
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

    def rewrite(f: Field, _source: str) -> Field:
        spoken = headings.language_of(f)
        return headings.with_label(f, term) if spoken in ("", language) else f

    carried = list(_carried(session, Concept, {concept.id}, rewrite))
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
    """Make one concept of several: their labels become its synonyms, their notices carry it."""
    history.take(session, "change", 0)
    others = [other for other in others if other.id != kept.id]
    _fresh(session, [kept, *others], expected or {})
    if not others:
        return Done(None)
    batch = history.open_batch(session, "merge", by=by, why=why or _named(kept.label, [o.label for o in others]))
    term = _term(session, kept, kept.label, _names(session, *others))
    ids = {other.id for other in others}
    carried = list(_carried(session, Concept, ids, lambda f, s: headings.with_term(f, term, source=s)))
    labels = authorities.labels_of(session, [kept.id, *ids])
    known = {one[::2] for one in labels[kept.id]}
    more = {(lang, "alternate", text) for n in ids for lang, _type, text in labels[n] if (lang, text) not in known}
    merged: list[tuple[Concept, Mapping[str, Any]]] = [
        (kept, {"labels": sorted(list(one) for one in labels[kept.id] | more)})
    ]
    merged += [(other, {"status": "merged", "merged_into_id": kept.id}) for other in others]
    authorities.put_concepts(session, merged, batch=batch)
    done = Done(batch, len(notices.revise_many(session, carried, batch=batch)))
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
    term = _term(session, concept, concept.label, frozenset(folded))
    rows = [(notice, _promoted(notice.fields, folded, term)) for notice in _load(session, _living(session, ids))]
    done = Done(batch, len(notices.revise_many(session, rows, batch=batch)))
    notices.relink_concepts(session, [concept.id])
    return concept, done


def _own_scheme(session: Session) -> ConceptScheme:
    """Where words of our own go when no thesaurus is named."""
    scheme = authorities.find_scheme(session, "local")
    if scheme is None:
        scheme = ConceptScheme(code="local", uri="", title={"fr": "Descripteurs locaux", "en": "Local descriptors"})
        session.add(scheme)
        session.flush()
    return scheme


# --- the notices -------------------------------------------------------------------------------


def _carried(session: Session, table: type[Any], ids: set[int], rewrite: Rewrite) -> Iterator[tuple[Notice, Fields]]:
    """The notices that carry these rows, each with the fields that name them written anew."""
    labels = frozenset() if table is Agent else authorities.sharing_labels(session, ids)[0]
    tags = headings.NAME if table is Agent else headings.SUBJECTS
    for notice_ids in db.chunks(sorted(_living(session, authorities.notices_naming(session, table, ids)))):
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
                if f["t"] in tags and _names_one_of(f, leads_to(headings.mark_of(f, scope)), known, ids):
                    source = next((s for claim in f.get("o", ()) if (s := scope(claim))), "") or scope("")
                    new = rewrite(f, source)
                    f = new if new.get("s") != f.get("s") else f
                fields.append(f)
            yield notice, fields


def _names_one_of(f: Field, found: int | None, known: Mapping[tuple[str, str], int], ids: set[int]) -> bool:
    """By its number, or, for a subject without one, by its label, as the projection finds it."""
    if found is None:
        found = known.get((fold(_whole(f)), _scheme_of(f)))
    return found in ids


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


def _promoted(fields: Fields, folded: set[str], term: Term) -> Fields:
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
    has_it = any(f["t"] == "606" and fold(_whole(f)) == fold(term.label) for f in out)
    if not taken or has_it:
        return out if taken else fields
    at = next((n for n, f in enumerate(out) if f["t"] > "606"), len(out))
    return [*out[:at], headings.make_subject(term), *out[at:]]


def _without(value: str, folded: set[str]) -> str:
    words = value.split(";")
    kept = [word for word in words if fold(word) not in folded]
    return value if len(kept) == len(words) else ";".join(kept).strip()


def _living(session: Session, ids: Iterable[int]) -> list[int]:
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
