"""A maker for each kind of lot that exists: what there must be before, then the act, at the smallest that shows it.

A maker prepares, yields once (the base as it must come back), acts, and yields the lot. Two rows or more wherever the
act allows it, so that one can be touched by somebody else before the lot is taken back.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import (
    authorities,
    batch_acts,
    batch_edit,
    candidate_terms,
    cataloguing,
    claims,
    copies,
    db,
    dead_links,
    documents,
    history,
    items,
    joining,
    judgements,
    links,
    loans,
    near_groups,
    notices,
    periodicals,
    proposals,
    proposed,
    renaming,
    rereading,
    reviewing,
    source_rules,
    sources,
    term_edits,
)
from catalogue.cleaning import call_numbers, correcting, twins
from catalogue.cleaning.chantier import Group, Member
from catalogue.entities import AgentRow, ClassRow, ConceptRow, Thesaurus
from catalogue.forecast import Expected
from catalogue.models import Agent, Batch, ClassificationEntry, Concept, Item, Notice, Run, Source
from catalogue.unimarc import Field, Fields, Record, RecordItem
from harvest import intake
from tests import pdfs
from tests.cast import GAZETTE, MIETTES, field, notice
from tests.test_proposals import ABSTRACT, linked, night, reci, says, taken_in

Steps = Iterator[Batch | None]
Maker = Callable[[Session, Path], Steps]
MAKERS: dict[str, Maker] = {}  # « kind » or « kind: which »
URL = "https://exemple.fr/rapport.pdf"
ARCHIVED = f"https://web.archive.org/web/2021/{URL}"


def maker(name: str) -> Callable[[Maker], Maker]:
    def keep(made: Maker) -> Maker:
        MAKERS[name] = made
        return made

    return keep


def two(session: Session, *more: Field, status: str = "published") -> list[Notice]:
    """Two notices of ours, with these fields besides."""
    return [
        notices.create(session, notice(title, *more), by="claire", status=status)
        for title in ("Le canal et ses quais", "Un pont sur la ville")
    ]


def two_copies(session: Session) -> list[Item]:
    lot = history.open_batch(session, "copy", by="claire")
    rows = [(n.id, RecordItem(barcode=f"B{n.id}", call_number="364 DUM")) for n in two(session)]
    numbers, _problems = items.add_many(session, rows, batch=lot)
    return [session.get_one(Item, n) for n in numbers]


def batch_of(session: Session, number: int | None) -> Batch:
    return session.get_one(Batch, number)


def sure(lot: Batch | None) -> Batch:
    assert lot is not None, "the act changed nothing"
    return lot


# --- written at the desk ---------------------------------------------------------------------

VALUES = {"kind": ["book"], "title": ["Le quai"], "author": ["Dumas, Agnès"], "year": ["2021"], "subject": ["Ville"]}


@maker("create")
def _created(session: Session, _folder: Path) -> Steps:
    yield None
    saved = cataloguing.save(session, None, VALUES, by="claire", copy=cataloguing.Copy(barcode="Z1"))
    yield batch_of(session, saved.batch_id)


@maker("edit")
def _edited(session: Session, _folder: Path) -> Steps:
    made = two(session)
    yield None
    lot = history.open_batch(session, "edit", by="claire")
    for one in made:
        notices.revise(session, one, [*one.fields, ABSTRACT], by="claire", batch=lot)
    yield lot


@maker("accept: new notices")
def _accepted_new(session: Session, _folder: Path) -> Steps:
    rows = [taken_in(session, reci(session), str(n), notice(f"Dossier {n}"), status="candidate") for n in (1, 2)]
    yield None
    yield sure(proposals.accept_new(session, notice_ids=[n.id for n in rows], by="claire").batch)


@maker("publish")
def _published(session: Session, _folder: Path) -> Steps:
    one = taken_in(session, reci(session), "1", notice("Dossier"), status="candidate")
    yield None
    yield batch_of(session, cataloguing.decide(session, one, "publish", by="claire").batch_id)


@maker("propose")
def _proposed(session: Session, _folder: Path) -> Steps:
    yield None
    yield batch_of(session, cataloguing.save(session, None, VALUES, by="ines", asked="propose").batch_id)


@maker("send_back")
def _sent_back(session: Session, _folder: Path) -> Steps:
    one, _other = two(session, status="candidate")
    yield None
    yield sure(proposed.send_back(session, one, "Il manque le résumé.", by="claire"))


@maker("put_aside")
def _put_aside(session: Session, _folder: Path) -> Steps:
    rows = [taken_in(session, reci(session), str(n), notice(f"Dossier {n}"), status="candidate") for n in (1, 2)]
    yield None
    yield sure(proposals.put_aside(session, [n.id for n in rows], by="claire").batch)


@maker("correct: notices")
def _corrected(session: Session, _folder: Path) -> Steps:
    made = two(session, field("606", "a", "École", ind=" 1"))
    yield None
    yield _in_number(session, "replace", [n.id for n in made], field="subject", old="École", new="Scolarité")


@maker("correct: copies")
def _corrected_copies(session: Session, _folder: Path) -> Steps:
    rows = two_copies(session)
    yield None
    yield _in_number(session, "location", [i.id for i in rows], new="Réserve")


def _in_number(session: Session, name: str, ids: list[int], **given: str) -> Batch:
    act, errors = batch_acts.understand(name, given, ("available", "missing"))
    assert act is not None, errors
    lot = history.open_batch(session, batch_edit.KIND, by="claire", why=act.words())
    batch_edit.write(session, [p for p in batch_edit.plan(session, act, ids) if not p.why], act, lot)
    return lot


@maker("correct: a clean-up group of values")
def _cleaned(session: Session, _folder: Path) -> Steps:
    made = two(session, field("606", "a", "Ecole", ind=" 1"))
    yield None
    act, _errors = batch_acts.understand("replace", {"field": "subject", "old": "Ecole", "new": "École"}, ())
    assert act is not None
    yield sure(correcting.correct(session, [act], [n.id for n in made], by="claire").batch)


@maker("correct: a clean-up group of call numbers")
def _cleaned_numbers(session: Session, _folder: Path) -> Steps:
    two_copies(session)
    yield None
    group = Group((Member("364 DUM", "364 DUM"),))
    yield sure(call_numbers.apply(session, group, group.members, "364.4 DUM", "claire").batch)


# --- copies and documents --------------------------------------------------------------------


@maker("copy")
def _copied(session: Session, _folder: Path) -> Steps:
    one, _other = two(session)
    yield None
    yield batch_of(session, cataloguing.add_copy(session, one, cataloguing.Copy(barcode="Z1"), by="claire").batch_id)


@maker("copy: changed")
def _copy_changed(session: Session, _folder: Path) -> Steps:
    item, _other = two_copies(session)
    yield None
    copy = cataloguing.Copy(call_number="364.4", barcode="Z2", section="Salle", status="repair", hidden=True)
    yield batch_of(session, cataloguing.revise_copy(session, item, copy, by="claire", version=item.version).batch_id)


@maker("lend")
def _lent(session: Session, _folder: Path) -> Steps:
    item, _other = two_copies(session)
    yield None
    until = db.now().date() + timedelta(days=21)
    yield sure(loans.lend(session, item, to="", until=until, by="claire", version=item.version))


@maker("give_back")
def _given_back(session: Session, _folder: Path) -> Steps:
    item, _other = two_copies(session)
    items.revise(session, item, {"status": "on_loan"}, by="claire")
    yield None
    yield sure(loans.give_back(session, item, by="claire"))


@maker("reread")
def _reread(session: Session, _folder: Path) -> Steps:
    source = sources.for_file(session, "fonds")
    lot = history.open_batch(session, "import", by="claire")
    session.add(Run(source_id=source.id, kind="import", started_at=lot.at, status="complete", batch_id=lot.id))
    rows = []
    for n, one in enumerate(two(session)):
        said = field("995", "f", f"K{n}", "k", "364 DUM")
        table = {"field": "995", "barcode": "f", "call_number": "k"}
        rows.append((one.id, copies.from_fields([said], {"items": table})))
    items.add_many(session, rows, batch=lot)
    source.profile = {"items": {"field": "995", "barcode": "k", "call_number": "f"}}
    yield None
    source.profile = {"items": {"field": "995", "barcode": "f", "call_number": "f"}}
    yield sure(rereading.reread(session, source, by="claire").batch)


def _file(session: Session, to: Notice, folder: Path) -> documents.Added:
    with documents.given(folder, io.BytesIO(pdfs.pdf(("Un mot.",))), "Rapport.pdf") as came:
        return documents.add(session, to, came, folder, rights="open", by="claire")


@maker("document: given")
def _document_given(session: Session, folder: Path) -> Steps:
    one, _other = two(session)
    yield None
    yield sure(_file(session, one, folder).batch)


@maker("document: changed")
def _document_changed(session: Session, folder: Path) -> Steps:
    document = _file(session, two(session)[0], folder).document
    yield None
    yield sure(documents.change(session, document, rights="staff", label="Le rapport", by="claire"))


@maker("document: removed")
def _document_removed(session: Session, folder: Path) -> Steps:
    document = _file(session, two(session)[0], folder).document
    yield None
    yield documents.remove(session, document, by="claire")


@maker("document: dead link corrected")
def _link_corrected(session: Session, _folder: Path) -> Steps:
    made = two(session, field("856", "u", URL))
    dead_links.offer_copy(session, URL, ARCHIVED, by="claire")  # what was decided of the old one comes back with it
    yield None
    yield sure(links.correct(session, made, URL, "https://exemple.fr/nouveau.pdf", by="claire", label="Le rapport"))


@maker("document: dead link taken off")
def _link_taken_off(session: Session, _folder: Path) -> Steps:
    made = two(session, field("856", "u", URL))
    yield None
    yield sure(links.take_off(session, made, URL, by="claire"))


@maker("document: archived copy offered")
def _copy_offered(session: Session, _folder: Path) -> Steps:
    two(session, field("856", "u", URL))
    yield None
    yield sure(dead_links.offer_copy(session, URL, ARCHIVED, by="claire"))


# --- periodicals -----------------------------------------------------------------------------

MAY, JUNE = Expected("41", "41", date(2024, 5, 1)), Expected("42", "42", date(2024, 6, 1))


def _serial(session: Session) -> Notice:
    return notices.create(session, GAZETTE, by="claire", status="published")


def _subscribed(session: Session) -> Notice:
    serial = _serial(session)
    periodicals.subscribe(session, serial, SUBSCRIPTION, by="claire", version=0)
    return serial


SUBSCRIPTION = {
    "frequency": "monthly",
    "starts_on": date(2024, 1, 1),
    "ends_on": None,
    "supplier": "",
    "note": "",
    "off_months": [8],
}


@maker("subscribe")
def _subscribed_anew(session: Session, _folder: Path) -> Steps:
    serial = _serial(session)
    yield None
    yield sure(periodicals.subscribe(session, serial, SUBSCRIPTION, by="claire", version=0))


@maker("subscribe: otherwise")
def _subscribed_otherwise(session: Session, _folder: Path) -> Steps:
    serial = _subscribed(session)
    yield None
    yield sure(periodicals.subscribe(session, serial, {**SUBSCRIPTION, "off_months": []}, by="claire", version=1))


@maker("receive")
def _received(session: Session, _folder: Path) -> Steps:
    serial = _subscribed(session)
    periodicals.claim(session, serial, [MAY], by="claire")
    yield None
    came = [
        periodicals.Arrival(serial.id, "41", "2024-05", MAY.key, copy=True, call_number="GAZ"),
        periodicals.Arrival(serial.id, "42", "2024-06", JUNE.key),
    ]
    yield batch_of(session, periodicals.receive(session, came, by="claire").batch_id)


@maker("claim")
def _claimed(session: Session, _folder: Path) -> Steps:
    serial = _subscribed(session)
    yield None
    yield sure(periodicals.claim(session, serial, [MAY, JUNE], by="claire"))


@maker("give_up")
def _given_up(session: Session, _folder: Path) -> Steps:
    serial = _subscribed(session)
    periodicals.claim(session, serial, [MAY, JUNE], by="claire")
    yield None
    yield sure(periodicals.give_up(session, serial, [MAY, JUNE], by="claire"))


# --- authorities -----------------------------------------------------------------------------


def _brought(session: Session, source: Source, *fields: Fields, kind: str = "import") -> tuple[Batch, list[Notice]]:
    lot = history.open_batch(session, kind, by=f"travee {kind}")
    records = [Record([*f, {"t": "001", "v": f"n{n}"}], control_number=f"n{n}") for n, f in enumerate(fields)]
    rows = [intake.receive(source, record) for record in records]
    done = intake.take_in(session, source, rows, batch=lambda: lot, status="published")
    return lot, [notices.get(session, o.notice_id) for o in done if o.notice_id]


def _signed(*authors: tuple[str, str]) -> list[Fields]:
    return [
        notice(f"Étude n° {n}", field("700", "a", "Vasseur", "b", given, "9", f"id:{number}", "4", "070", ind=" 1"))
        for n, (number, given) in enumerate(authors)
    ]


def _agents(session: Session) -> list[Agent]:
    return list(session.scalars(select(Agent).order_by(Agent.id)))


def _concept(session: Session, label: str) -> Concept:
    return session.scalars(select(Concept).where(Concept.label == label)).one()


def _thesaurus(session: Session) -> None:
    rows = (
        ConceptRow("t:ville", {"fr": "Ville"}),
        ConceptRow("t:ecole", {"fr": "École"}, broader=("t:ville",), alternate=(("fr", "Etablissement scolaire"),)),
        ConceptRow("t:scolarite", {"fr": "Scolarité"}, broader=("t:ecole",)),
    )
    authorities.load_scheme(session, "ville", "t:", {"fr": "Ville"}, rows)


def _about(session: Session, word: str, tag: str = "606") -> list[Notice]:
    return two(session, field(tag, "a", word, ind=" 1"))


@maker("rename: a person")
def _person_renamed(session: Session, _folder: Path) -> Steps:
    _brought(session, reci(session), *_signed(("12", "L."), ("12", "L.")))
    yield None
    yield sure(renaming.rename_agent(session, _agents(session)[0], "Vasseur, Lucie", by="claire").batch)


@maker("edit: a person identified")
def _person_identified(session: Session, _folder: Path) -> Steps:
    _brought(session, reci(session), *_signed(("12", "L."), ("12", "L.")))
    yield None
    numbers = {"isni": "0000000121446296"}
    done = renaming.identify_agent(session, _agents(session)[0], numbers, by="claire", variant="Vasseur, Lucie")
    yield sure(done.batch)


@maker("merge: persons")
def _persons_merged(session: Session, _folder: Path) -> Steps:
    _brought(session, reci(session), *_signed(("12", "L."), ("13", "Lucie"), ("12", "L.")))
    yield None
    ids = [agent.id for agent in _agents(session)]
    yield sure(near_groups.apply_group(session, ids, "Vasseur, Lucie", by="claire").batch)


@maker("judge: persons")
def _persons_told_apart(session: Session, _folder: Path) -> Steps:
    rows = [AgentRow("person", name) for name in ("Dumas, A.", "Dumas, Agnès", "Dumas, Anne")]
    made = authorities.create_agents(session, rows, batch=history.open_batch(session, "create", by="claire"))
    yield None
    yield sure(near_groups.keep_apart(session, [agent.id for agent in made], by="claire"))


@maker("rename: a descriptor")
def _descriptor_renamed(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "École")
    yield None
    yield sure(renaming.rename_concept(session, _concept(session, "École"), "Enseignement", by="claire").batch)


@maker("merge: descriptors")
def _descriptors_merged(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "Scolarité")
    yield None
    kept, other = _concept(session, "École"), _concept(session, "Scolarité")
    yield sure(renaming.merge_concepts(session, kept, [other], by="claire").batch)


@maker("edit: a synonym added")
def _synonym_added(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "Collège")
    yield None
    yield sure(term_edits.add_synonym(session, _concept(session, "École"), "Collège", by="claire").batch)


@maker("edit: a synonym taken away")
def _synonym_removed(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "Etablissement scolaire")
    yield None
    concept = _concept(session, "École")
    yield sure(term_edits.remove_synonym(session, concept, "Etablissement scolaire", by="claire").batch)


@maker("edit: a descriptor moved")
def _descriptor_moved(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    yield None
    yield sure(term_edits.move(session, _concept(session, "Scolarité"), [], by="claire").batch)


@maker("edit: a note")
def _note_written(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    yield None
    yield sure(
        term_edits.write_note(session, _concept(session, "École"), "De la maternelle au lycée.", by="claire").batch
    )


@maker("retire")
def _descriptor_retired(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "École")
    yield None
    yield sure(term_edits.withdraw(session, _concept(session, "École"), by="claire").batch)


@maker("rename: a class")
def _class_renamed(session: Session, _folder: Path) -> Steps:
    lot = history.open_batch(session, "import", by="claire")
    rows = [ClassRow("676", "364", "Délinquance")]
    authorities.take_in_classes(session, reci(session), rows, batch=lambda: lot)
    yield None
    entry = session.scalars(select(ClassificationEntry)).one()
    yield sure(term_edits.rename_class(session, entry, "Justice", by="claire").batch)


@maker("promote")
def _keyword_promoted(session: Session, _folder: Path) -> Steps:
    _about(session, "Gentrification", "610")
    yield None
    _concept_made, done = renaming.promote(session, "Gentrification", by="claire")
    yield sure(done.batch)


@maker("promote: a candidate accepted")
def _candidate_accepted(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "Gentrification")
    yield None
    broader = _concept(session, "Ville")
    yield sure(candidate_terms.accept(session, "Gentrification", by="claire", broader=broader).batch)


@maker("promote: a candidate replaced")
def _candidate_replaced(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "Collèges")
    yield None
    concept = _concept(session, "École")
    yield sure(candidate_terms.replace(session, "Collèges", concept, by="claire", as_synonym=True).batch)


@maker("keyword")
def _kept_as_keyword(session: Session, _folder: Path) -> Steps:
    _about(session, "Gentrification")
    yield None
    yield sure(candidate_terms.keep_as_keyword(session, "Gentrification", by="claire").batch)


# --- what comes from elsewhere ---------------------------------------------------------------


@maker("import")
def _imported(session: Session, _folder: Path) -> Steps:
    yield None
    lot, made = _brought(session, reci(session), *_signed(("12", "L."), ("13", "Lucie")))
    items.add_many(session, [(made[0].id, RecordItem(barcode="B1"))], batch=lot)
    yield lot


@maker("import: a thesaurus")
def _thesaurus_imported(session: Session, _folder: Path) -> Steps:
    _thesaurus(session)
    _about(session, "École")
    yield None
    lot = history.open_batch(session, "import", by="claire")
    rows = (
        ConceptRow("t:ecole", {"fr": "École", "en": "School"}, broader=("t:ville",)),
        ConceptRow("t:college", {"fr": "Collège"}, broader=("t:ecole",)),
    )
    scheme = Thesaurus("ville", "t:", {"fr": "Ville"}, rows)
    taken = authorities.take_in_thesauri(session, None, [scheme], batch=lambda: lot)
    notices.relink_concepts(session, taken.ids)
    yield lot


@maker("harvest")
def _harvested(session: Session, _folder: Path) -> Steps:
    source = reci(session)
    ours = notices.create(session, MIETTES, by="claire", status="published")
    record = says(session, source, "7", [*MIETTES, ABSTRACT])
    yield None
    lot, _made = _brought(session, source, *_signed(("12", "L."), ("13", "Lucie")), kind="harvest")
    claims.link_many(session, [claims.Link(ours.id, record)], batch=lot)
    yield lot


def _asking(session: Session) -> list[int]:
    """Two notices made from records that now say more: the questions."""
    source = reci(session)
    for n in (1, 2):
        taken_in(session, source, str(n), notice(f"Dossier {n}"))
    return [night(session, source, str(n), [*notice(f"Dossier {n}"), ABSTRACT]).proposal_id or 0 for n in (1, 2)]


@maker("accept")
def _accepted(session: Session, _folder: Path) -> Steps:
    asked = _asking(session)
    yield None
    yield sure(proposals.accept(session, asked, by="claire").batch)


@maker("refuse")
def _refused(session: Session, _folder: Path) -> Steps:
    asked = _asking(session)
    yield None
    yield sure(proposals.refuse(session, asked, by="claire").batch)


@maker("rule")
def _ruled(session: Session, _folder: Path) -> Steps:
    _asking(session)
    source_rules.put(session, reci(session), {"all": {"adds": "accept"}}, by="claire")
    waiting = [row.claim_id for row in proposals.list_waiting(session)]
    yield None
    opened: list[Batch] = []

    def lot() -> Batch:
        opened[:] = opened or [history.open_batch(session, "rule", by="travee")]
        return opened[0]

    yield sure(proposals.apply_rules(session, waiting, batch=lot).batch)


@maker("withdraw")
def _withdrawn_there(session: Session, _folder: Path) -> Steps:
    source = reci(session)
    for n in (1, 2):
        taken_in(session, source, str(n), notice(f"Dossier {n}"))
        night(session, source, str(n), notice(f"Dossier {n}"), deleted=True)
    numbers = [c.id for c in session.scalars(select(claims.Claim))]
    yield None
    yield sure(proposals.withdraw(session, numbers, by="claire").batch)


# --- two notices -----------------------------------------------------------------------------


def _doubles(session: Session) -> list[Notice]:
    made = [
        notices.create(session, notice("Quartiers en chantier", more), by="claire", status="published")
        for more in (field("606", "a", "Rénovation"), field("606", "a", "Logement"))
    ]
    lot = history.open_batch(session, "copy", by="claire")
    items.add_many(session, [(made[1].id, RecordItem(barcode="B2"))], batch=lot)
    return made


@maker("join")
def _joined(session: Session, _folder: Path) -> Steps:
    one, other = _doubles(session)
    yield None
    yield batch_of(session, reviewing.join(session, one, other, by="claire").lot)


@maker("join: a clean-up group")
def _joined_in_a_group(session: Session, _folder: Path) -> Steps:
    made = _doubles(session)
    yield None
    members = tuple(Member(str(n.id), n.title, version=n.version) for n in made)
    yield sure(twins.apply(session, Group(members), members, "", "claire").batch)


@maker("split")
def _split(session: Session, _folder: Path) -> Steps:
    one, other = _doubles(session)
    joining.merge(session, one, other, by="claire")
    yield None
    yield batch_of(session, reviewing.separate(session, other, by="claire").lot)


@maker("split: a record")
def _record_split(session: Session, _folder: Path) -> Steps:
    ours = notices.create(session, MIETTES, by="claire", status="published")
    claim = linked(session, reci(session), "1", ours, [*MIETTES, ABSTRACT])
    yield None
    done, _made = reviewing.part(session, session.get_one(claims.Claim, claim), by="claire")
    yield batch_of(session, done.lot)


@maker("judge")
def _judged(session: Session, _folder: Path) -> Steps:
    one, other = _doubles(session)
    judgements.judge(session, f"notice:{one.id}", f"notice:{other.id}", "unsure", by=judgements.MACHINE)
    yield None
    yield batch_of(session, reviewing.tell_apart(session, one, other, by="claire").lot)
