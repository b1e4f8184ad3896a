"""The page of the form of a notice: everything that is on it, from what the form holds.

One function shows it, whatever has been pressed: opened, sent back with what is wrong, filled in from a source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from catalogue import alike, desk_history, desk_reading, digital, documents, form, items, kept_forms, provenance
from catalogue.alike import Alike
from catalogue.cataloguing import Outcome, label_of
from catalogue.found import Document
from catalogue.identifiers import is_code, new_code
from catalogue.inbox_pages import pairs
from catalogue.models import KeptForm, Notice
from catalogue.problems import Problem
from catalogue.validation import validate
from catalogue.web import ctx, filling, forms
from catalogue.web.desk import done_lot
from catalogue.web.filling import Filling, Offer

DONE = {"saved", "published", "proposed", "unchanged"}


@dataclass(frozen=True, slots=True)
class Searched:
    """What came of « Chercher »: a line for each source, and one for all."""

    words: str = ""
    lines: Sequence[str] = ()
    documents: Sequence[Document] = ()  # those it may be, when there are several
    words_found: Sequence[str] = ()  # subjects in the words of the sources
    dropped: Offer | None = None  # a value just taken out, which its source may be told never to propose


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows besides the form itself."""

    outcome: Outcome | None = None
    publishing: bool = False
    version: int | None = None
    one_more: str = ""
    fresh: bool = False  # it opens on the field on top
    start: bool = False  # it opens on the first field that publishing needs and that says nothing
    done: str = ""
    token: str = ""  # the address that a new notice is to have, when it is known
    after: Notice | None = None  # the notice just published, whose next article this form is
    searched: Searched = field(default_factory=Searched)
    proposed_terms: Sequence[str] = ()
    term_notes: Sequence[str] = ()
    look_alike: bool = False
    opened: bool = False
    status: int = 200
    sent: MultiDict[str, str] | None = None  # a form kept, when it is not this request that brings it
    copy_problems: Sequence[Problem] = ()


PLAIN = Shown()


def show(notice: Notice | None, filled: Filling, shown: Shown = PLAIN) -> ResponseReturnValue:
    session, sent = ctx.get_session(), request.form if shown.sent is None else shown.sent
    fields = form.write(notice.fields if notice else [], filled.values)
    problems = shown.outcome.problems if shown.outcome else validate(fields, form.kind_of(fields))
    made = forms.notice_form(
        filled,
        problems,
        publishing=shown.publishing,
        one_more=shown.one_more,
        start=shown.start,
        opened=shown.opened or sent.get("plus") == "1",
    )
    token = "" if notice else shown.token or token_of()
    copy_form = forms.copy_form(forms.sent_copy(sent), shown.copy_problems)
    page = render_template(
        "desk/notice.html",
        form=replace(made, errors=(*made.errors, *copy_form.errors)),
        filled=filled,
        tag=forms.tag,
        carried=[filling.as_text(one) for one in filled.proposed],
        notice=notice,
        version=shown.version if shown.version is not None else notice.version if notice else 0,
        title=desk_history.title_or_none(next(iter(filled.values.get("title", ())), "")),
        status=desk_history.status_words(notice.status) if notice else "",
        years=_understood(notice),
        others=shown.outcome.others if shown.outcome else (),
        alike=near(notice, filled) if shown.look_alike else [],
        looked_alike=shown.look_alike,
        copies=desk_reading.copies(session, notice) if notice else [],
        joined=pairs.joined(session, notice) if notice else [],
        spoken=provenance.links_of(session, notice) if notice else [],
        kept=form.rest(notice.fields) if notice else [],
        begun=_begun(notice, token),
        done=shown.done if shown.done in DONE else "",
        after=shown.after,
        lot=_lot(notice, shown),
        copied=done_lot() if notice and not shown.done else None,
        model=forms.MODEL_OF.get(made.kind, ""),
        may_follow=_may_follow(notice, filled),
        token=token,
        why=sent.get("pourquoi", ""),
        right=sent.get("droits", ""),
        file=forms.file_of(request) or sent.get(kept_forms.FILE, ""),
        searched=shown.searched,
        dropped_label=label_of(shown.searched.dropped.key) if shown.searched.dropped else "",
        fresh=shown.fresh,
        asked=sent.get("chercher", request.args.get("chercher", "")),
        proposed_terms=shown.proposed_terms,
        term_notes=shown.term_notes,
        copy_form=copy_form,
        places=[place.name for place in items.list_locations(session)] if _may_keep(notice) else [],
        may_keep=_may_keep(notice),
        rights=[(code, documents.rights_words(code)) for code in digital.RIGHTS],
        largest=ctx.settings().upload_limit_mb * 1_000_000,
    )
    return page, shown.status


def token_of() -> str:
    """The address that a new notice will have: the form carries it, so a double click makes one notice."""
    given = request.form.get("nouvelle", "") or request.args.get("nouvelle", "")
    return given if is_code(given) else new_code()


def near(notice: Notice | None, filled: Filling) -> list[Alike]:
    fields = form.write(notice.fields if notice else [], filled.values)
    return alike.find(ctx.get_session(), fields, notice=notice, apart=filled.apart)


def _may_keep(notice: Notice | None) -> bool:
    """Copies and files are the documentalist's; a copy of a known notice has its own page."""
    return bool(current_user.may("documentalist"))


def _begun(notice: Notice | None, token: str) -> list[KeptForm]:
    """Forms that this person has begun and neither saved nor forgotten: this notice's, or new ones."""
    if request.method != "GET" or not {"reprendre", "chercher", "suivant"}.isdisjoint(request.args):
        return []
    session = ctx.get_session()
    if notice is None:
        begun = kept_forms.list_new(session, current_user.login)
        return [one for one in begun if kept_forms.address_of(one) != token][:1]
    found = kept_forms.find(session, current_user.login, notice.address)
    return [found] if found else []


def _lot(notice: Notice | None, shown: Shown) -> int | None:
    notice = shown.after or notice
    if notice is None or not shown.done:
        return None
    return desk_history.last_lot(ctx.get_session(), notice, current_user.login)


def _may_follow(notice: Notice | None, filled: Filling) -> bool:
    """Whether another article of the same issue may come next."""
    return filled.kind in ("press_article", "article", "issue")


def _understood(notice: Notice | None) -> str:
    """The year as it was understood, for the person to see: « 2024 », « 1995-1999 »."""
    if notice is None or notice.year is None:
        return ""
    return f"{notice.year}-{notice.year_end}" if notice.year_end else str(notice.year)


def next_values(notice: Notice) -> Mapping[str, list[str]]:
    """What the next article of the same issue has in common with this one; of an issue, its articles."""
    values = form.read(notice.fields)
    same = {name: values[name] for name in ("journal", "issue_number", "issue_date", "language") if values.get(name)}
    if notice.level == "issue":
        issue = form.read_some(notice.fields, ("number", "date"))
        journal = next((link.title for link in _hosts(notice)), "")
        same |= {"journal": [journal], "issue_number": issue["number"], "issue_date": issue["date"]}
        same[form.KIND] = ["article"]
    else:
        same[form.KIND] = [form.kind_of(notice.fields)]
    return {**form.blank(), **same}


def _hosts(notice: Notice) -> list[form.unimarc.Link]:
    return [link for link in form.unimarc.links(notice.fields) if link.relation == "host_serial"]
