"""« À revoir », for a terminal or a script: what waits for a person, and deciding it. Each decision is a lot."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue import asking_again, cataloguing, inbox, joining, notices, proposals, provenance, reviewing
from catalogue.commands import DONE, FAILED, IN_PART, as_json, fail, finish, running
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _, format_number, ngettext
from catalogue.identifiers import is_code
from catalogue.inbox_pages import pairs
from catalogue.models import Claim, Notice, Proposal, SourceRecord
from catalogue.proposals import Settled
from catalogue.reviewing import Done

SIGNED = "travee inbox"
NO_SUCH = N_("Rien n’attend sous le nom « {id} » : voyez « travee inbox list ».")
signed = click.option("--by", default=SIGNED, show_default=True, help="Qui décide.")


@click.group("inbox")
def group() -> None:
    """Ce qui attend votre décision (« À revoir »)."""


@group.command("list")
@click.option("--run", "run_id", type=int, help="Seulement ce qu’une moisson a apporté.")
@click.option("--source", default="", help="Seulement ce qu’une source a apporté.")
@click.option("--kind", type=click.Choice(list(inbox.KINDS)), help="Une seule sorte.")
@as_json
def list_(run_id: int | None, source: str, kind: str | None, as_json: bool) -> None:
    """Ce qui attend : nom à donner aux autres commandes, nature, titre, source, depuis quand."""
    with running(as_json) as travee, travee.db.read() as session:
        entries = inbox.list_inbox(session, run_id=run_id, source=source, kinds=[kind] if kind else inbox.KINDS)
    rows = [
        {
            "id": e.ref,
            "kind": e.kind,
            "what": e.what,
            "detail": e.detail,
            "source": e.source,
            "since": e.since.isoformat(),
            "age_days": e.age.days,
            "link": e.link,
        }
        for e in entries
    ]
    lines = [
        f"{e.ref:<18} " + " · ".join(part for part in (e.label, e.what, e.detail, e.source, _days(e.age.days)) if part)
        for e in entries
    ]
    finish(as_json, {"total": len(rows), "entries": rows}, *(lines or [_("Tout est à jour.")]))


def _days(n: int) -> str:
    return ngettext("{n} jour", "{n} jours", n).format(n=format_number(n)) if n else _("aujourd’hui")


@group.command("accept-safe")
@click.option("--run", "run_id", type=int, help="Seulement ceux d’une moisson.")
@click.option("--source", default="", help="Seulement ceux d’une source.")
@signed
@as_json
def accept_safe(run_id: int | None, source: str, by: str, as_json: bool) -> None:
    """Accepte tous les ajouts sûrs, en un seul lot qui s’annule."""
    with running(as_json) as travee:
        done = reviewing.decide_all_in_parts(travee.db, "safe", "accept", by=by, source=source or None, run_id=run_id)
        travee.drain_soon()
    accepted, left, lot = done.n, done.left, done.lot
    words = ngettext("{n} ajout sûr accepté.", "{n} ajouts sûrs acceptés.", accepted).format(n=format_number(accepted))
    lines = [" ".join(part for part in (words, _undo(lot)) if part)] if accepted else [_("Aucun ajout sûr n’attend.")]
    if left:
        text = ngettext("{n} a changé entre-temps et attend.", "{n} ont changé entre-temps et attendent.", left)
        lines.append(text.format(n=format_number(left)))
    document = {"accepted": accepted, "waiting": left, "batch": lot}
    finish(as_json, document, *lines, code=IN_PART if left else DONE)


@group.command("accept")
@click.argument("name", metavar="ID")
@signed
@as_json
def accept(name: str, by: str, as_json: bool) -> None:
    """Accepte ce qui attend sous ce nom, comme Travée le propose ; publie, si c’est une nouvelle notice."""
    _decide(name, "accept", by, as_json)


@group.command("refuse")
@click.argument("name", metavar="ID")
@signed
@as_json
def refuse(name: str, by: str, as_json: bool) -> None:
    """Garde le nôtre ; met de côté, si c’est une nouvelle notice."""
    _decide(name, "refuse", by, as_json)


def _decide(name: str, what: str, by: str, as_json: bool) -> None:
    with running(as_json) as travee:
        with travee.db.write() as session:
            found = _decided(session, name, what, by, as_json)
            if found is None:
                fail(as_json, _(NO_SUCH).format(id=name))
        travee.drain_soon()
    title, done = found
    words = {
        "done": _("« {title} » : c’est décidé."),
        "moved": _("« {title} » a changé entre-temps et attend : relisez-la."),
        "later": _("« {title} » a changé entre-temps et attend : relisez-la."),
        "gone": _("« {title} » n’a plus rien à décider."),
        "problems": _("« {title} » n’est pas encore complète : ouvrez-la au bureau."),
    }[done.what].format(title=title)
    document = {"id": name, "title": title, "done": done.what == "done", "state": done.what, "batch": done.lot}
    code = DONE if done.what == "done" else FAILED
    finish(as_json, document, " ".join(part for part in (words, _undo(done.lot)) if part), code=code)


def _decided(session: Session, name: str, what: str, by: str, as_json: bool) -> tuple[str, Done] | None:
    """By what its name says it is: a proposal, a deleted record, a pair, a candidate."""
    number = name[2:]
    if name.startswith(inbox.PROPOSAL) and number.isdecimal() and len(number) < 10:
        question = session.get(Proposal, int(number))
        if question is not None:
            title = _title(session, question.claim_id)
            if question.state != "waiting":
                return title, Done("gone")
            act = proposals.accept if what == "accept" else proposals.refuse
            settled = act(session, [question.id], by=by)
            return title, _settled(settled)
    elif name.startswith(inbox.DELETED) and number.isdecimal() and len(number) < 10 and what == "accept":
        if int(number) in inbox.numbers(session, "deleted"):
            settled = proposals.withdraw(session, [int(number)], by=by)
            return _title(session, int(number)), _settled(settled)
    elif name.startswith(inbox.LOOKUP) and number.isdecimal() and len(number) < 10:
        row = asking_again.get(session, int(number))
        if row is not None and what == "accept":  # what it brings goes into a form, which a person fills
            return row.question, Done("problems")
        if row is not None:
            asking_again.settle(session, row)
            return row.question, Done("done", n=1)
    elif inbox.PAIR in name:
        left, right = (_notice(session, end, as_json) for end in name.split(inbox.PAIR, 1))
        return title_or_none(left.title), _judged(session, left, right, what == "accept", by, as_json)
    elif is_code(name) and (found := notices.find(session, name)) is not None:
        asked = cataloguing.decide(session, found, "publish" if what == "accept" else "put_aside", by=by)
        done = {"unchanged": "gone", "problems": "problems"}.get(asked.done, "done")
        return title_or_none(found.title), Done(done, asked.batch_id)
    return None


def _settled(settled: Settled) -> Done:
    lot = settled.batch.id if settled.batch else None
    return Done("done" if settled.done else "gone" if settled.gone else "later", lot, len(settled.done))


def _title(session: Session, claim_id: int) -> str:
    return title_or_none(notices.get(session, session.get_one(Claim, claim_id).notice_id).title)


@group.command("same")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@signed
@as_json
def same(one: str, other: str, by: str, as_json: bool) -> None:
    """Dit que deux notices sont le même document, et les réunit (adresses, ou identifiants chez une source)."""
    _judge(one, other, True, by, as_json)


@group.command("different")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B", required=False)
@click.option("--source", default="", help="Au lieu de B : la notice de cette source qui a été reliée à A.")
@signed
@as_json
def different(one: str, other: str | None, source: str, by: str, as_json: bool) -> None:
    """Dit que deux notices ne sont pas le même document : elles ne seront plus rapprochées.

    Si B est l’identifiant d’une notice d’un partenaire reliée à A (ou avec --source), elle en est séparée et devient
    une nouvelle notice à relire.
    """
    if (other is None) == (not source):
        raise click.UsageError(_("Donnez deux notices, ou une notice et --source."))
    with running(as_json) as travee:
        with travee.db.write() as session:
            claim = _linked(session, _notice(session, one, as_json), other or "", source, as_json)
            if claim is not None:
                document, words = _parted(session, claim, by, as_json)
        if claim is not None:
            travee.drain_soon()
            finish(as_json, document, words)
    _judge(one, other or "", False, by, as_json)


def _linked(session: Session, notice: Notice, identifier: str, source: str, as_json: bool) -> Claim | None:
    """The record meant, of those that speak of a notice; None when two notices are meant."""
    links = [
        link for link in provenance.links_of(session, notice) if link.identifier == identifier or link.source == source
    ]
    if len(links) > 1:
        names = ", ".join(link.identifier for link in links)
        fail(
            as_json,
            _("Plusieurs notices de « {source} » : dites laquelle ({names}).").format(source=source, names=names),
        )
    if source and not links:
        fail(as_json, _("Aucune notice de « {source} » n’est reliée à celle-là.").format(source=source))
    return session.get(Claim, links[0].claim) if links else None


def _parted(session: Session, claim: Claim, by: str, as_json: bool) -> tuple[dict[str, Any], str]:
    try:
        done, made = reviewing.part(session, claim, by=by)
    except joining.NotMergeable as refusal:
        fail(as_json, refusal.sentence())
    words = _("C’est noté : « {title} » est une notice à part, /d/{address}, à relire.")
    document = {"verdict": "different", "batch": done.lot, "address": made.address}
    said = words.format(title=title_or_none(made.title), address=made.address)
    return document, " ".join((said, _undo(done.lot)))


def _judge(one: str, other: str, are_same: bool, by: str, as_json: bool) -> None:
    with running(as_json) as travee:
        with travee.db.write() as session:
            left, right = _notice(session, one, as_json), _notice(session, other, as_json)
            done = _judged(session, left, right, are_same, by, as_json)
            kept = left.address if left.status != "merged" else right.address
        travee.drain_soon()
    if are_same:
        words = _("Les deux notices n’en font plus qu’une, à l’adresse {address}.").format(address=f"/d/{kept}")
    elif done.what == "already":
        words = _("C’était déjà noté : ces deux notices ne sont pas rapprochées.")
    else:
        words = _("C’est noté : ces deux notices ne seront plus rapprochées.")
    document: dict[str, Any] = {"verdict": "same" if are_same else "different", "batch": done.lot}
    if are_same:
        document["address"] = kept
    finish(as_json, document, " ".join(part for part in (words, _undo(done.lot)) if part))


def _judged(session: Session, left: Notice, right: Notice, are_same: bool, by: str, as_json: bool) -> Done:
    if left.id == right.id:
        fail(as_json, _("C’est une seule et même notice : {address}.").format(address=f"/d/{left.address}"))
    done = (
        reviewing.join(session, left, right, by=by) if are_same else reviewing.tell_apart(session, left, right, by=by)
    )
    if done.what == "gone":
        fail(as_json, pairs.why_gone(session, left, right))
    return done


def _notice(session: Session, name: str, as_json: bool) -> Notice:
    """By its address, or by the identifier of a source's record."""
    found = notices.find(session, name.rsplit("/", 1)[-1]) if is_code(name.rsplit("/", 1)[-1]) else None
    if found is not None:
        return found
    of_record = (
        select(Claim.notice_id)
        .join(SourceRecord, SourceRecord.id == Claim.record_id)
        .where(SourceRecord.identifier == name, Claim.state == "linked")
        .distinct()
        .limit(2)
    )
    ids = list(session.scalars(of_record))
    if len(ids) != 1:
        words = _("Aucune notice n’a l’adresse ni l’identifiant « {id} ».")
        if ids:
            words = _("Plusieurs notices ont l’identifiant « {id} » : donnez une adresse.")
        fail(as_json, words.format(id=name))
    return notices.get(session, ids[0])


def _undo(lot: int | None) -> str:
    return _("Pour annuler : travee undo {n}").format(n=lot) if lot else ""


COMMANDS: list[click.Command] = [group]
