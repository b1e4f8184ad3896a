"""The desk's forms as their templates show them: which inputs, with which words, and what is wrong beside each.

The mapping to a notice's fields is in `catalogue.form`, what is wrong in `catalogue.validation`, what was found and
proposed in `catalogue.web.filling`: here are only rows, names and ids. Every input has a name that a plain browser
sends back, and nothing needs a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from werkzeug.wrappers import Request

from catalogue import dates, form, kept_forms
from catalogue.cataloguing import Copy, kind_label
from catalogue.desk_history import item_status_words
from catalogue.form import Column, FormField, Values
from catalogue.i18n import N_, _, current_language
from catalogue.identifiers import is_code, new_code
from catalogue.models.place import ITEM_STATUSES
from catalogue.problems import Problem
from catalogue.unimarc import KINDS
from catalogue.web.asked import WORDS
from catalogue.web.filling import Filling, Offer

# Rows offered at first, and empty ones always left to write in; elsewhere one, and « Ajouter » brings more.
ROWS = {"author": (2, 1), "subject": (4, 2)}
LONGEST_TITLE = 500  # signs; a longer one is told, once
FEW_ROLES = 12  # rows that offer every role; a page with forty authors would else be nothing but lists of roles
# Inputs that propose what we have: the page says where each list is asked for.
COMBOBOXES = {"subject": "subjects", "author": "people", "body": "bodies", "journal": "journals"}
# The addresses of new forms are French words, those of the public filters where they have one.
MODELS = {word: code for word, code in WORDS["type"].items() if code != "issue"}
MODEL_OF = {code: word for word, code in MODELS.items()}
# Sources that are the person at the desk: how their values are tagged, and proposed. They are never told to stop.
OWN = {
    "pasted": (N_("trouvé · collé"), N_("collé :")),
    "typed": (N_("saisi avant"), N_("vous aviez saisi :")),
    "top": (N_("saisi en haut"), N_("saisi en haut :")),
}
# What a button adds, said whole: « Ajouter un auteur ».
MORE_OF = {
    "subtitle": N_("Ajouter un complément"),
    "author": N_("Ajouter un auteur"),
    "body": N_("Ajouter un organisme"),
    "publisher": N_("Ajouter un éditeur"),
    "isbn": N_("Ajouter un ISBN"),
    "issn": N_("Ajouter un ISSN"),
    "subject": N_("Ajouter un sujet"),
    "abstract": N_("Ajouter un résumé"),
    "address": N_("Ajouter une adresse"),
    "collection": N_("Ajouter une collection"),
    "doi": N_("Ajouter un DOI"),
    "language": N_("Ajouter une langue"),
    "keyword": N_("Ajouter une ligne de mots-clés"),
    "contents": N_("Ajouter un sommaire"),
    "note": N_("Ajouter une note"),
}


@dataclass(frozen=True, slots=True)
class Input:
    id: str
    name: str
    label: str
    value: str
    how: str
    options: tuple[tuple[str, str], ...] = ()
    combobox: str = ""  # which of our lists it proposes from
    invalid: bool = False
    described_by: str = ""
    first: bool = False  # takes the focus when the page opens


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence under a field."""

    id: str
    words: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Proposed:
    """« proposé par BnF : … [Prendre] »; `at`: its place among those the form carries."""

    at: int
    label: str
    by: str  # « proposé par BnF : »
    words: str
    never: str  # "bnf:abstract", where the source can be told never to propose it again; else ""


@dataclass(frozen=True, slots=True)
class Block:
    """One field of the form: a label, rows of inputs, what is wrong with it, what was found for it."""

    key: str
    label: str
    help: str
    rows: tuple[tuple[Input, ...], ...]
    said: tuple[Said, ...]
    needed: bool
    short: bool
    found: tuple[str, str] | None  # (source, label) while its value is tagged
    proposed: tuple[Proposed, ...]
    add: str  # the words of the button that brings another row, "" for a field of one value

    @property
    def grouped(self) -> bool:
        """Several inputs under one name: a group of its own for those who do not see it."""
        return len(self.rows) > 1 or len(self.rows[0]) > 1

    @property
    def filled(self) -> bool:
        return any(i.value for row in self.rows for i in row if i.how != "choice" or len(row) == 1)

    def opening(self) -> Block:
        """The page opens on its first input."""
        first, *others = self.rows
        return replace(self, rows=((replace(first[0], first=True), *first[1:]), *others))


@dataclass(frozen=True, slots=True)
class NoticeForm:
    kind: str
    kinds: tuple[tuple[str, str], ...]
    kind_first: bool  # takes the focus when the page opens
    kind_said: tuple[Said, ...]
    kind_found: tuple[str, str] | None
    kind_proposed: tuple[Proposed, ...]
    main: tuple[tuple[Block, ...], ...]  # short fields that follow one another share a line
    more: tuple[tuple[Block, ...], ...]
    more_open: bool
    more_filled: str  # « Collection, Langue »: what the closed part holds
    errors: tuple[tuple[str, str], ...]  # (id of an input, sentence), for the summary


def notice_form(
    filled: Filling,
    problems: Iterable[Problem] = (),
    *,
    publishing: bool = False,
    one_more: str = "",
    opened: bool = False,
    start: bool = False,
) -> NoticeForm:
    """The form for these values. While `publishing`, errors are errors; otherwise nothing is ever demanded.

    With `start`, the page opens on what is left to fill in: the first field that publishing needs, else the title.
    """
    values, kind = filled.values, filled.kind
    said = _said(problems, values, kind, publishing)
    main, more = form.shown(kind or "other", values)
    told = proposals(filled.proposed)
    blocks = {
        f.key: replace(
            _block(f, values, said.get(f.key, ()), kind, one_more == f.key),
            found=filled.found.get(f.key),
            proposed=tuple(told.get(f.key, ())),
        )
        for f in (*main, *more)
    }
    if start and kind:
        left = next((f.key for f in main if blocks[f.key].needed and not blocks[f.key].filled), "title")
        blocks[left] = blocks[left].opening()
    more_blocks = tuple(blocks[f.key] for f in more)
    return NoticeForm(
        kind=kind,
        kinds=_kinds(kind),
        kind_first=start and not kind,
        kind_said=tuple(one for _at, one in said.get(form.KIND, ())),
        kind_found=filled.found.get(form.KIND),
        kind_proposed=tuple(told.get(form.KIND, ())),
        main=_lines([blocks[f.key] for f in main]),
        more=_lines(more_blocks),
        more_open=opened
        or one_more in {f.key for f in more}
        or any(b.said or b.found or b.proposed for b in more_blocks),
        more_filled=", ".join(b.label for b in more_blocks if b.filled),
        errors=tuple((_id(key, at), one.words) for key, them in said.items() for at, one in them if one.is_error),
    )


def proposals(offers: Sequence[Offer]) -> dict[str, list[Proposed]]:
    """What is proposed, field by field, in words; the kind by its name."""
    out: dict[str, list[Proposed]] = {}
    for at, one in enumerate(offers):
        words = kind_label(one.values[form.KIND][0]) if one.key == form.KIND else one.words
        mine = one.source in OWN
        never = "" if mine else f"{one.source}:{one.key}"
        by = _(OWN[one.source][1]) if mine else _("proposé par %(source)s :") % {"source": one.label}
        out.setdefault(one.key, []).append(Proposed(at, one.label, by, words, never))
    return out


def tag(source: str, label: str) -> str:
    """« trouvé · BnF », beside the label of a field."""
    return _(OWN[source][0]) if source in OWN else _("trouvé · %(source)s") % {"source": label}


def _said(
    problems: Iterable[Problem], values: Values, kind: str, publishing: bool
) -> dict[str, list[tuple[int, Said]]]:
    """Each problem under its field, with the row it is about; a value that is missing is only told when publishing."""
    out: dict[str, list[tuple[int, Said]]] = {}
    for problem in problems:
        key = form.field_of(problem.tag, problem.subfield, kind)
        missing = problem.code.endswith(".missing")
        if not key or (missing and not publishing):
            continue
        given = [form.one_line(text) for text in values.get(key, ())]
        about = str(problem.params.get("value", ""))
        at = given.index(about) if about and about in given else 0
        is_error = publishing and problem.level == "error"
        told = out.setdefault(key, [])
        told.append((at, Said(f"{key}-dit-{len(told)}", problem.message, is_error)))
    if len(next(iter(values.get("title", ())), "")) > LONGEST_TITLE:
        words = _("Ce titre est très long : vérifiez qu’il n’y a que le titre. Il s’enregistre tel quel.")
        out.setdefault("title", []).append((0, Said("title-long", words, False)))
    for key in ("date", "issue_date"):
        for at, text in enumerate(values.get(key, ())):
            if key not in out and (words := dates.in_words(dates.understand(text).edtf)):
                out[key] = [(at, Said(f"{key}-compris", _("Compris : %(words)s.") % {"words": words}, False))]
    return out


def _block(form_field: FormField, values: Values, said: Sequence[tuple[int, Said]], kind: str, one_more: bool) -> Block:
    texts = _rows(form_field, values)
    if form_field.repeatable:
        least, empty = ROWS.get(form_field.key, (1, 0)) if form_field.is_in(kind or "other", "main") else (1, 0)
        wanted = max(least, len(texts) + empty, len(texts) + one_more, 1)
    else:
        texts, wanted = texts[:1], 1
    blank = tuple(column.default for column in form_field.columns)
    texts += [blank] * (wanted - len(texts))
    rows = tuple(
        tuple(
            _input(form_field, column, n, text, [one for at, one in said if at == n], alone=wanted == 1)
            for column, text in zip(form_field.columns, row, strict=True)
        )
        for n, row in enumerate(texts)
    )
    if one_more:
        rows = (*rows[:-1], (replace(rows[-1][0], first=True), *rows[-1][1:]))
    return Block(
        key=form_field.key,
        label=form_field.label,
        help=form_field.help,
        rows=rows,
        said=tuple(one for _at, one in said),
        needed=form_field in form.required(kind or "other"),
        short=form_field.short and wanted == 1,
        found=None,
        proposed=(),
        add=_(MORE_OF[form_field.key]) if _may_grow(form_field, texts) else "",
    )


def _may_grow(form_field: FormField, texts: Sequence[tuple[str, ...]]) -> bool:
    """« Ajouter » where several are the rule, and elsewhere once the row that is there has been used."""
    return bool(form_field.repeatable) and (form_field.key in ROWS or bool(texts[-1][0]))


def _rows(form_field: FormField, values: Values) -> list[tuple[str, ...]]:
    lists = [values.get(column.name, []) for column in form_field.columns]
    longest = max(len(texts) for texts in lists)
    rows = [
        tuple(texts[n] if n < len(texts) else c.default for c, texts in zip(form_field.columns, lists, strict=True))
        for n in range(longest)
    ]
    while rows and not any(t for c, t in zip(form_field.columns, rows[-1], strict=True) if not c.default):
        rows.pop()
    return rows


def _input(form_field: FormField, column: Column, n: int, text: str, said: Sequence[Said], *, alone: bool) -> Input:
    is_first = column is form_field.columns[0]
    described = [f"{form_field.key}-aide"] if form_field.help else []
    described += [one.id for one in said] if is_first else []
    label = form_field.label if is_first and len(form_field.columns) == 1 else column.label
    return Input(
        id=_id(column.name, n),
        name=column.name,
        label=label if alone or (n == 0 and len(form_field.columns) > 1) else f"{label} {n + 1}",
        value=text,
        how=column.how,
        options=_options(column, text, few=n >= FEW_ROLES) if column.choices else (),
        combobox=COMBOBOXES.get(column.name, ""),
        invalid=is_first and any(one.is_error for one in said),
        described_by=" ".join(described),
    )


def _id(name: str, n: int) -> str:
    return name if n == 0 else f"{name}-{n + 1}"


def _options(column: Column, text: str, *, few: bool = False) -> tuple[tuple[str, str], ...]:
    """The list, with nothing chosen before it, and what the notice says where the list does not know it."""
    known = [(code, words) for code, words in form.choices(column) if not few or code in (text, column.default)]
    unknown = [(text, text)] if text and text not in dict(known) else []
    return (("", _("non précisée")), *known, *unknown)


def _kinds(chosen: str) -> tuple[tuple[str, str], ...]:
    known = [(code, k.en if current_language() == "en" else k.fr) for code, k in KINDS.items()]
    kinds = [(code, words) for code, words in known if code in MODEL_OF or code == chosen]
    return tuple(kinds if chosen else [("", _("Choisissez…")), *kinds])


def _lines(blocks: Iterable[Block]) -> tuple[tuple[Block, ...], ...]:
    lines: list[tuple[Block, ...]] = []
    for block in blocks:
        if block.short and lines and all(b.short for b in lines[-1]) and len(lines[-1]) < 3:
            lines[-1] = (*lines[-1], block)
        else:
            lines.append((block,))
    return tuple(lines)


# --- a copy ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CopyForm:
    copy: Copy
    location: str  # "" or a name of the list
    new_location: str
    errors: tuple[tuple[str, str], ...] = ()
    statuses: tuple[tuple[str, str], ...] = field(default=())

    def error(self, name: str) -> str:
        return next((words for at, words in self.errors if at == name), "")


def copy_form(copy: Copy, problems: Iterable[Problem] = (), new_location: str = "") -> CopyForm:
    problems = tuple(problems)
    errors = tuple((_COPY_INPUTS.get(p.subfield, "code_barres"), p.message) for p in problems)
    if not copy.code or any(p.code == "item.added_before" for p in problems):
        copy = replace(copy, code=new_code())
    statuses = tuple((status, item_status_words(status)) for status in ITEM_STATUSES)
    return CopyForm(copy, copy.location, new_location, errors, statuses)


_COPY_INPUTS = {"f": "code_barres", "k": "cote"}


# What the form says besides the notice: of its first copy and its file.
BESIDE = ("exemplaire", "cote", "code_barres", "emplacement", "droits", kept_forms.FILE)


def beside(sent: Request) -> kept_forms.Content:
    said = {name: sent.form.getlist(name) for name in BESIDE if sent.form.get(name)}
    return said | ({kept_forms.FILE: [name]} if (name := file_of(sent)) else {})


def file_of(sent: Request) -> str:
    """The name of the file that came along, "" when none did."""
    upload = sent.files.get("fichier")
    return form.one_line(upload.filename or "") if upload else ""


def sent_copy(posted: Mapping[str, str]) -> Copy:
    """A new place that was typed goes before the one chosen in the list."""

    def text(name: str) -> str:
        return form.one_line(posted.get(name, ""))

    return Copy(
        call_number=text("cote"),
        barcode=text("code_barres"),
        location=text("nouvel_emplacement") or text("emplacement"),
        section=text("section"),
        inventory_number=text("numero_inventaire"),
        status=text("etat") or "available",
        hidden="cache" in posted,
        code=code if is_code(code := posted.get("exemplaire", "")) else "",
    )
