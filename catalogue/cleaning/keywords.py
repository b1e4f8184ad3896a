"""« Sujets hors thésaurus »: free keywords that nobody has ever tied to a descriptor (`renaming.promote`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue import authorities, renaming
from catalogue.authorities import get_concept
from catalogue.cleaning.chantier import LARGEST, Chantier, Found, Group, Member, Settled, samples_of
from catalogue.i18n import N_, _
from catalogue.models import Concept, Notice, NoticeConcept
from catalogue.renaming import LIVING
from catalogue.text import fold


def find(session: Session) -> Iterator[Found]:
    """The same word in its various spellings, singular and plural; the most used first."""
    forms: dict[str, dict[str, int]] = {}
    statement = select(NoticeConcept.label, func.count()).where(NoticeConcept.free.is_(True))
    for label, n in session.execute(statement.group_by(NoticeConcept.label)):
        if name := stem(label):
            forms.setdefault(name, {})[label] = n
    for name, labels in sorted(forms.items(), key=lambda one: (-sum(one[1].values()), one[0])):
        refs = sorted(labels, key=lambda label: (-labels[label], label))[:LARGEST]
        yield Found(f"keyword:{name}", tuple(refs), sum(labels.values()))


def stem(label: str) -> str:
    """What spellings of one word share.

    >>> stem("Quartiers prioritaires") == stem("quartier prioritaire")
    True
    """
    return " ".join(word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in fold(label).split())


def read(session: Session, refs: Sequence[str]) -> Group | None:
    named: dict[str, set[int]] = {}
    statement = (
        select(NoticeConcept.label, Notice.id)
        .join(Notice, Notice.id == NoticeConcept.notice_id)
        .where(NoticeConcept.free.is_(True), NoticeConcept.label.in_(refs), Notice.status.in_(LIVING))
    )
    for label, notice_id in session.execute(statement):
        named.setdefault(label, set()).add(notice_id)
    if not named:
        return None
    labels = sorted(named, key=lambda label: (-len(named[label]), label))
    members = tuple(Member(label, label, len(named[label]), "", samples_of(session, named[label])) for label in labels)
    known = next(iter(authorities.find_concepts(session, labels).values()), None)
    told = _("Le thésaurus a « %(label)s ».") % {"label": known.label} if known else ""
    return Group(
        members,
        tuple(refs),
        known.label if known else labels[0],
        field=_("Remplacer les mots cochés par le descripteur"),
        hint=_("Un descripteur qui n’existe pas encore est ajouté aux descripteurs locaux."),
        reasons=(told,) if told else (),
        changes=renaming.affected_by_keyword(session, *labels),
    )


def read_for_helper(session: Session, refs: Sequence[str]) -> Group | None:
    hint = _("Un mot que le thésaurus n’a pas devient un candidat : l’équipe en décidera.")
    group = read(session, refs)
    return group and replace(group, hint=hint)


def apply(session: Session, _group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    if problem := _problem(ticked, form):
        return Settled(problem=problem)
    words = [member.label for member in ticked]
    concept = _meant(session, form)
    _concept, done = renaming.promote(session, words[0], by=by, concept=concept, label=form, synonyms=words[1:])
    return Settled(done.batch, done.notices)


def apply_for_helper(session: Session, _group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    """The thesaurus stays as it is: a descriptor of it takes the words' place, or a candidate."""
    if problem := _problem(ticked, form):
        return Settled(problem=problem)
    concept = _meant(session, form)
    done = renaming.say_subject(session, [member.label for member in ticked], form, by=by, concept=concept)
    told = _("« %(word)s » n’est pas au thésaurus : c’est un candidat, l’équipe en décidera.")
    return Settled(done.batch, done.notices, told="" if concept else told % {"word": form})


def _problem(ticked: Sequence[Member], form: str) -> str:
    if not ticked:
        return _("Cochez au moins un mot.")
    return "" if form else _("Écrivez le descripteur.")


def _meant(session: Session, form: str) -> Concept | None:
    found = authorities.find_concepts(session, [form]).get(fold(form))
    return get_concept(session, found.concept_id) if found else None


CHANTIER = Chantier(
    title=N_("Sujets hors thésaurus"),
    lead=N_("Des mots-clés libres que personne n’a encore rattachés à un descripteur."),
    apart_words=N_("Garder comme mots libres"),
    find=find,
    read=read,
    apply=apply,
)
CHANTIER = replace(CHANTIER, helped=replace(CHANTIER, read=read_for_helper, apply=apply_for_helper))
