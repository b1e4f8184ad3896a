"""« Aujourd'hui »: at most five things to see to, the worst first, each leading to an act; the others in one line.

The order of the functions below is the order of the cards. Plain values, in the current language; addresses and HTML
stay out: the page knows them by `Card.key` and `Step.page`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from catalogue import backup_plan, documents, following, kept_forms, notices, proposed
from catalogue.cataloguing import kind_label
from catalogue.desk_history import title_or_none
from catalogue.desk_reading import counted, last_harvests, waiting
from catalogue.following import Matter
from catalogue.i18n import _, format_date, format_instant, format_number, ngettext
from catalogue.models import Batch, KeptForm, Notice, Refused, Revision, User

MOST_CARDS = 5
SHOWN_DRAFTS = 5
SHOWN_PROPOSED = 5
TOLD = timedelta(days=30)  # what was decided of a proposal, to whoever proposed it
SHOWN_RULED = 5  # notices that a rule has changed in the night
NIGHT = timedelta(hours=24)
BROUGHT = ("import", "harvest")  # lots that nobody typed


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice to go on with. `page`: "edit", "begun" (a form never saved), "history" (what somebody did of it)."""

    address: str
    title: str
    detail: str
    page: str = "edit"


@dataclass(frozen=True, slots=True)
class Card:
    """One thing to see to; the page knows where its action leads, by `key`."""

    key: str  # "backup", "files", "harvest", "refused", "inbox", "following", "cleaning", "ruled", "drafts",
    # "proposed", "month"
    title: str
    figure: int | None = None
    sentences: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    urgent: bool = False
    waits: bool = True  # for somebody: without any of these nothing is urgent
    kinds: tuple[tuple[str, str], ...] = ()  # of what waits in « À revoir »: a kind of `inbox`, and a sentence
    lots: tuple[int, ...] = ()  # where to see it all, and to take it back
    matters: tuple[Matter, ...] = ()  # each a sentence and a page of its own


@dataclass(frozen=True, slots=True)
class Today:
    cards: tuple[Card, ...]
    quiet: bool  # nothing waits for anybody
    more: tuple[Card, ...] = ()  # what there was no room for


def today(session: Session, login: str, *, local: datetime, sees_inbox: bool) -> Today:
    """`local` is now, on the centre's clock; `sees_inbox`: whether it is for somebody who decides."""
    found = [*(_to_decide(session, local) if sees_inbox else ()), *_for_everybody(session, login, local)]
    ordered = sorted(found, key=lambda card: not card.urgent)
    quiet = not any(card.urgent or card.waits for card in found)
    if len(ordered) > MOST_CARDS:  # the month can be read another day
        ordered = [card for card in ordered if card.key != "month"]
    return Today(tuple(ordered[:MOST_CARDS]), quiet, tuple(ordered[MOST_CARDS:]))


def _to_decide(session: Session, local: datetime) -> Iterator[Card]:
    yield from _nightly_jobs(session)
    yield from _refused(session)
    yield from _inbox(session)
    yield from _following(session, local)
    yield from _cleaning(session, local)


def _for_everybody(session: Session, login: str, local: datetime) -> Iterator[Card]:
    yield from _mine(session, login)
    yield from _proposed(session, login, local)
    yield from _harvest(session)
    yield from _ruled(session, local)
    yield from _month(session, local)


# --- what goes wrong by night ----------------------------------------------------------------


def _nightly_jobs(session: Session) -> Iterator[Card]:
    if why := backup_plan.trouble(session):
        words = _("La dernière sauvegarde n’a pas pu être écrite : %(why)s.") % {"why": why}
        yield Card("backup", _("Sauvegarde"), sentences=(words,), urgent=True)
    if (checked := documents.checked(session)) is not None and checked.total:
        words = ngettext(
            "fichier n’est plus tel qu’il avait été donné",
            "fichiers ne sont plus tels qu’ils avaient été donnés",
            checked.total,
        )
        yield Card("files", _("Fichiers abîmés"), checked.total, (words,), urgent=True)


# --- what waits for a decision ---------------------------------------------------------------


def _refused(session: Session) -> Iterator[Card]:
    n = session.scalar(select(func.count()).select_from(Refused).where(Refused.settled_at.is_(None))) or 0
    words = ngettext(
        "notice reçue n’a pas pu entrer ; elle est gardée", "notices reçues n’ont pas pu entrer ; elles sont gardées", n
    )
    if n:
        yield Card("refused", _("Notices refusées"), n, (words,))


def _inbox(session: Session) -> Iterator[Card]:
    counts = waiting(session)
    told = tuple((kind, counted(kind, n)) for kind, n in counts.items())
    if counts:
        yield Card("inbox", _("À revoir"), sum(counts.values()), kinds=told)


def _following(session: Session, local: datetime) -> Iterator[Card]:
    if found := following.matters(session, local, local.tzinfo or UTC):
        yield Card("following", _("À suivre"), sum(one.n for one in found), matters=tuple(found))


def _cleaning(session: Session, local: datetime) -> Iterator[Card]:
    if found := following.under_way(session, local):
        yield Card("cleaning", _("Nettoyage en cours"), matters=tuple(found))


# --- what one has begun ----------------------------------------------------------------------


def _mine(session: Session, login: str) -> Iterator[Card]:
    """Drafts that came back with a word first, then forms that were never saved, then the latest drafts."""
    forms = session.scalars(
        select(KeptForm)
        .where(KeptForm.login == login, KeptForm.place.startswith(kept_forms.PLACE))
        .order_by(KeptForm.kept_at.desc())
        .limit(SHOWN_DRAFTS)
    ).all()
    n = session.scalar(select(func.count()).select_from(_drafts_of(login).subquery())) or 0
    if not n and not forms:
        return
    latest = select(Notice).where(Notice.id.in_(_drafts_of(login))).order_by(Notice.updated_at.desc())
    found = session.scalars(latest.limit(SHOWN_DRAFTS)).all()
    words = proposed.words_for(session, [d.id for d in found])
    back = [_draft(d, words[d.id]) for d in found if d.id in words]
    rest = [_draft(d, None) for d in found if d.id not in words]
    entries = [*back, *map(_begun, forms), *rest][:SHOWN_DRAFTS]
    title = _("Commencé, pas fini") if forms else _("Mes brouillons")
    yield Card("drafts", title, n + len(forms), entries=tuple(entries), waits=bool(back))


def _begun(form: KeptForm) -> Entry:
    kind = next(iter(form.content.get("kind", ())), "")
    said = _("saisie pas enregistrée, %(when)s") % {"when": format_instant(form.kept_at)}
    said = f"{kind_label(kind)}, {said}" if kind else said
    return Entry(kept_forms.address_of(form), title_or_none(form.title), said, "begun")


def _draft(draft: Notice, word: proposed.Word | None) -> Entry:
    """When it was written last; or that it came back, and why."""
    detail = format_date(draft.updated_at)
    if word is not None:
        detail = _("renvoyée par %(by)s : « %(word)s »") % {"by": word.by, "word": word.text}
    return Entry(draft.address, title_or_none(draft.title), detail)


def _proposed(session: Session, login: str, local: datetime) -> Iterator[Card]:
    """What one has proposed to review, and what became of it: whoever learns the work learns by that."""
    found = proposed.of_person(session, login, since=local - TOLD)
    if not found:
        return
    entries = tuple(_told(one) for one in found[:SHOWN_PROPOSED])
    left = sum(one.notice.status == "candidate" for one in found)
    words = ngettext("attend d’être relue", "attendent d’être relues", left)
    told = (words,) if left else (_("Toutes ont été relues."),)
    yield Card("proposed", _("Proposées à la relecture"), left or None, told, entries, waits=False)


def _told(one: proposed.Proposed) -> Entry:
    words = {
        "candidate": _("attend depuis le %(day)s"),
        "published": _("publiée par %(by)s, le %(day)s"),
        "withdrawn": _("mise à l’écart par %(by)s, le %(day)s"),
    }[one.notice.status]
    said = words % {"by": one.decided_by, "day": format_date(one.decided_at or one.at)}
    page = "edit" if one.notice.status == "candidate" else "history"
    return Entry(one.notice.address, title_or_none(one.notice.title), said, page)


def _drafts_of(login: str) -> Select[int]:
    """The drafts this person began: asked of each draft, of which there are few."""
    first = (Revision.entity == "notice") & (Revision.entity_id == Notice.id) & (Revision.version == 1)
    theirs = select(Revision.id).join(Batch, Batch.id == Revision.batch_id).where(first, Batch.by == login)
    return select(Notice.id).where(Notice.status == "draft", theirs.exists())


# --- what the night has brought --------------------------------------------------------------


def _harvest(session: Session) -> Iterator[Card]:
    told = last_harvests(session)
    urgent = any(run.status == "incomplete" for run, _words in told)
    if told:
        yield Card("harvest", _("Dernière moisson"), None, tuple(w for _run, w in told), urgent=urgent, waits=False)


def _ruled(session: Session, local: datetime) -> Iterator[Card]:
    """What rules have changed since yesterday at this hour, without asking: nobody else would tell."""
    by_people = select(User.login)  # « Appliquer les règles » is somebody's act
    since = (Batch.kind == "rule") & (Batch.at > local - NIGHT) & Batch.by.not_in(by_people)
    changed = (
        select(Revision.entity_id, func.max(Revision.id).label("last"))
        .where(Revision.batch_id.in_(select(Batch.id).where(since)), Revision.entity == "notice")
        .group_by(Revision.entity_id)
        .subquery()
    )
    n = session.scalar(select(func.count()).select_from(changed)) or 0
    if not n:
        return
    latest = select(Notice).join(changed, changed.c.entity_id == Notice.id).order_by(changed.c.last.desc())
    entries = tuple(Entry(x.address, title_or_none(x.title), "") for x in session.scalars(latest.limit(SHOWN_RULED)))
    numbers = session.scalars(select(Batch.id).where(since).order_by(Batch.id.desc()).limit(SHOWN_RULED))
    words = ngettext(
        "notice changée sans vous le demander, par une règle posée pour sa source",
        "notices changées sans vous le demander, par une règle posée pour leur source",
        n,
    )
    title = _("Changé par une règle cette nuit")
    yield Card("ruled", title, n, (words,), entries, waits=False, lots=tuple(numbers))


# --- the month -------------------------------------------------------------------------------


def _month(session: Session, local: datetime) -> Iterator[Card]:
    """This month beside the same one a year ago; beside the last one in a base that is younger than that."""
    start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    year_ago = start.replace(year=start.year - 1)
    is_young = (_first_act(session) or start) > year_ago
    since = (start - timedelta(days=1)).replace(day=1) if is_young else year_ago
    until = (since + timedelta(days=31)).replace(day=1)
    now, then = _made(session, start, local + timedelta(days=1)), _made(session, since, until)
    words = ngettext("notice créée au bureau ce mois-ci", "notices créées au bureau ce mois-ci", now)
    said = _("%(n)s le mois dernier") if is_young else _("%(n)s le même mois l’an dernier")
    yield Card("month", _("Ce mois-ci"), now, (words, said % {"n": format_number(then)}), waits=False)


def _first_act(session: Session) -> datetime | None:
    return session.scalar(select(Batch.at).order_by(Batch.id).limit(1))


def _made(session: Session, since: datetime, until: datetime) -> int:
    """Notices of ours that people began in that time. What files and harvests brought is not their work, and would have
    the whole base read for a figure."""
    when = Batch.at >= since, Batch.at < until, Batch.kind.not_in(BROUGHT)
    lots = select(Batch.id).where(*when).scalar_subquery()
    shown = (Notice.status == "published") & (Notice.owner_id == notices.our_centre(session).id)
    statement = (  # counted where it is so, and not sought for: SQLite would begin with every published notice
        select(func.count(case((shown, 1))))
        .select_from(Revision)
        .join(Notice, Notice.id == Revision.entity_id)
        .where(Revision.batch_id.in_(lots), Revision.entity == "notice", Revision.version == 1)
    )
    return session.scalar(statement) or 0
