"""« Liens morts »: web addresses that do not answer any more (`dead_links`, which asks at night)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from catalogue import dead_links, links, notices
from catalogue.cleaning.chantier import LARGEST, Chantier, Found, Group, Member, Settled
from catalogue.desk_history import title_or_none
from catalogue.i18n import N_, _, format_date

PART = 200


def find(session: Session) -> Iterator[Found]:
    offset = 0
    while listed := dead_links.dead_links(session, limit=PART, offset=offset):
        offset += len(listed)
        for link in listed:
            yield Found(f"link:{link.url}", (str(link.number), link.url), len(link.notices) + link.more)


def read(session: Session, refs: Sequence[str]) -> Group | None:
    link = dead_links.get(session, int(refs[0]))
    if link is None or link.url != refs[1] or link.archived_url:
        return None
    members = tuple(
        Member(str(n.id), title_or_none(n.title), 1, "", ((title_or_none(n.title), n.address),), n.version)
        for n in links.givers(session, link.url)[:LARGEST]
    )
    since = _("depuis le %(day)s") % {"day": format_date(link.since)} if link.since else ""
    return Group(
        members,
        tuple(refs),
        link.target,
        field=_("Remplacer l’adresse, dans les notices cochées, par"),
        hint=_("Vide : ces notices ne donnent plus ce lien."),
        reasons=(link.url, " ".join(part for part in (link.words, since) if part)),
    )


def apply(session: Session, group: Group, ticked: Sequence[Member], form: str, by: str) -> Settled:
    if not ticked:
        return Settled(problem=_("Cochez au moins une notice."))
    url, given = group.refs[1], [notices.get(session, int(member.ref)) for member in ticked]
    if not form:
        return Settled(links.take_off(session, given, url, by=by), len(given))
    address = links.clean(form)
    if not address:
        return Settled(problem=links.wrong(form))
    if address == url:
        return Settled(problem=_("C’est l’adresse qui ne répond plus : écrivez-en une autre."))
    return Settled(links.correct(session, given, url, address, by=by), len(given))


CHANTIER = Chantier(
    title=N_("Liens morts"),
    lead=N_("Des adresses web qui ne répondent plus depuis plusieurs nuits."),
    apart_words=N_("Garder l’adresse"),
    find=find,
    read=read,
    apply=apply,
)
