"""What can be done to many notices or copies at once: a table of acts, and what each makes of one. Pure.

An act is said in the words of the form (`fields.toml`): a field, what it says now, what it is to say. It is written by
`form.write`, so that a correction of ten thousand notices touches the same values as ten thousand saves would, and no
other (decision 1). What an act leaves alone it leaves with a reason, which the page counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from catalogue import form
from catalogue.form import FORM, Column, FormField
from catalogue.i18n import N_, _, current_language
from catalogue.text import fold
from catalogue.unimarc import KINDS, Fields, occurrence

LONGEST = 500  # signs of a value that is typed
LONGEST_TEXT = 20_000  # signs of a text that words were replaced in
LISTS = frozenset(("keyword",))  # fields whose text holds several values, parted by semicolons


@dataclass(frozen=True, slots=True)
class ActKind:
    """A line of the table. `about`: "notice" or "copy"; `asks`: the inputs of its form, of `Act`'s names."""

    about: str
    label: str
    asks: tuple[str, ...]
    lead: str = ""

    @property
    def words(self) -> str:
        return _(self.label)


ACTS: Mapping[str, ActKind] = {
    "add": ActKind(
        "notice", N_("Ajouter une valeur"), ("field", "new"), N_("Un sujet de plus, une langue là où elle manque…")
    ),
    "replace": ActKind(
        "notice",
        N_("Remplacer une valeur par une autre"),
        ("field", "old", "new"),
        N_("Un sujet, un auteur, une revue qui s’écrit autrement."),
    ),
    "remove": ActKind("notice", N_("Retirer une valeur"), ("field", "old"), N_("Le reste du champ ne change pas.")),
    "words": ActKind(
        "notice",
        N_("Remplacer des mots dans un champ"),
        ("field", "old", "new", "whole"),
        N_("Une faute, un sigle, une adresse qui a déménagé."),
    ),
    "kind": ActKind("notice", N_("Changer le type de document"), ("new",)),
    "publish": ActKind("notice", N_("Publier"), (), N_("Les brouillons et les notices à relire qui sont complets.")),
    "draft": ActKind("notice", N_("Remettre en brouillon"), (), N_("Le public ne les voit plus.")),
    "location": ActKind("copy", N_("Changer l’emplacement"), ("new",)),
    "section": ActKind("copy", N_("Changer la section"), ("new",)),
    "state": ActKind("copy", N_("Changer l’état"), ("new",), N_("Disponible, manquant, en réparation…")),
    "prefix": ActKind(
        "copy",
        N_("Changer le début de la cote"),
        ("old", "new"),
        N_("364.4 DUB devient 365.1 DUB : le reste de la cote ne change pas."),
    ),
    "hide": ActKind("copy", N_("Cacher au public"), ()),
    "show": ActKind("copy", N_("Montrer au public"), ()),
}

# Why a notice or a copy stays as it is.
WHY: Mapping[str, str] = {
    "absent": N_("n’ont pas cette valeur"),
    "already": N_("l’ont déjà"),
    "filled": N_("disent déjà autre chose dans ce champ, qui n’a qu’une valeur"),
    "same": N_("sont déjà ainsi"),
    "too_long": N_("auraient un texte démesuré"),
    "required": N_("perdraient ce qu’il faut à une notice publiée, ou diraient une date ou une adresse impossible"),
    "incomplete": N_("ne sont pas complètes : il leur manque un titre, un type, une date ou un sujet"),
    "changed": N_("ont été changées depuis l’aperçu"),
    "gone": N_("ne sont plus là : fondues dans une autre, ou effacées"),
    "hidden_elsewhere": N_("sont cachés pour une autre raison, que leur source donne"),
}


@dataclass(frozen=True, slots=True)
class Act:
    """What a person asks. `field` is the name of a column of the form (`author`, `place`)."""

    name: str
    field: str = ""
    old: str = ""
    new: str = ""
    whole: bool = False

    @property
    def kind(self) -> ActKind:
        return ACTS[self.name]

    def as_data(self) -> dict[str, Any]:
        return asdict(self)

    def words(self) -> str:
        """« Sujets : remplacer « quartier » par « Quartiers » », for the page and the lot."""
        said = {"old": self._shown(self.old), "new": self._shown(self.new)}
        if not self.field:
            detail = " → ".join(part for part in (said["old"], said["new"]) if part)
            return f"{self.kind.words} : {detail}" if detail else self.kind.words
        sentence = {
            "add": N_("ajouter « %(new)s »"),
            "replace": N_("remplacer « %(old)s » par « %(new)s »"),
            "remove": N_("retirer « %(old)s »"),
            "words": N_("remplacer « %(old)s » par « %(new)s » dans le texte"),
        }[self.name]
        return f"{column_label(self.field)} : {_(sentence) % said}"

    def _shown(self, text: str) -> str:
        if self.name == "kind":
            return kind_words(text)
        column = _COLUMNS[self.field][1] if self.field else None
        return form.choice_label(column, text) if column is not None and column.choices else text


# --- what the form offers ----------------------------------------------------------------------

_COLUMNS: Mapping[str, tuple[FormField, Column, int]] = {
    column.name: (form_field, column, n) for form_field in FORM.values() for n, column in enumerate(form_field.columns)
}


def columns(act: str) -> list[tuple[str, str]]:
    """(name, label) of what this act may be about: only the first input of a row can be added, words are of texts."""
    return [
        (name, column_label(name))
        for name, (_field, column, n) in _COLUMNS.items()
        if not (act == "add" and n) and not (act == "words" and column.choices)
    ]


def column_label(name: str) -> str:
    form_field, column, n = _COLUMNS[name]
    return f"{form_field.label} : {column.label}" if n else form_field.label


def kind_words(code: str) -> str:
    kind = KINDS.get(code)
    return code if kind is None else kind.en if current_language() == "en" else kind.fr


def understand(
    name: str, given: Mapping[str, str], states: Iterable[str] = ()
) -> tuple[Act | None, list[tuple[str, str]]]:
    """What a form asks, or what is wrong with it: (name of the input, sentence). `states`: those a copy may have."""
    asks = ACTS[name].asks
    texts = {key: form.one_line(given.get(key, "")) if key in asks else "" for key in ("field", "old", "new")}
    errors = [(key, _("Ce texte est trop long.")) for key, text in texts.items() if len(text) > LONGEST]
    if "field" in asks and texts["field"] not in dict(columns(name)):
        return None, [("field", _("Choisissez un champ."))]
    if "old" in asks and not texts["old"] and name != "prefix":
        errors.append(("old", _("Écrivez ce qu’il y a maintenant dans ce champ.")))
    if name in ("add", "replace", "location") and not texts["new"]:
        errors.append(("new", _("Écrivez la nouvelle valeur.")))
    if name == "prefix" and not (texts["old"] or texts["new"]):
        errors.append(("new", _("Écrivez l’ancien début, le nouveau, ou les deux.")))
    if name == "kind" and texts["new"] not in KINDS:
        errors.append(("new", _("Choisissez un type.")))
    if name == "state" and texts["new"] not in states:
        errors.append(("new", _("Choisissez un état.")))
    column = _COLUMNS[texts["field"]][1] if texts["field"] else None
    if column is not None and column.choices:
        for key in ("old", "new"):
            code = _code_of(column, texts[key])
            if texts[key] and code is None:
                examples = ", ".join(words for _code, words in form.choices(column)[:3] if words)
                errors.append(
                    (key, _("Choisissez dans la liste du champ, par exemple : %(list)s.") % {"list": examples})
                )
            texts[key] = code or ""
    whole = "whole" in asks and bool(given.get("whole"))
    return (None, errors) if errors else (Act(name, whole=whole, **texts), [])


def _code_of(column: Column, text: str) -> str | None:
    """The code of a list for a code or its words."""
    wanted = fold(text)
    return next((c for c, words in form.choices(column) if text == c or (wanted and fold(words) == wanted)), None)


# --- a notice ----------------------------------------------------------------------------------

Row = tuple[str, ...]
Rule = Callable[[Act, Sequence[Row], int, FormField], "Sequence[Row] | str"]


def changed(fields: Fields, act: Act) -> tuple[Fields, str]:
    """The fields as the act makes them, and "" ; or as they are, and why (`WHY`)."""
    if act.name == "kind":
        after = form.write(fields, {form.KIND: [act.new]})
    elif act.name in _RULES:
        form_field, _column, n = _COLUMNS[act.field]
        values = form.read_some(fields, (form_field.key,))
        rows = list(zip(*(values[column.name] for column in form_field.columns), strict=True))
        told = _RULES[act.name](act, rows, n, form_field)
        if isinstance(told, str):
            return fields, told
        after = form.write(
            fields, {column.name: [row[i] for row in told] for i, column in enumerate(form_field.columns)}
        )
    else:
        return fields, ""
    if [occurrence(f) for f in after] == [occurrence(f) for f in fields]:
        return fields, "same"
    return after, ""


def _add(act: Act, rows: Sequence[Row], n: int, form_field: FormField) -> Sequence[Row] | str:
    if any(_has(form_field, row[n], act.new) for row in rows):
        return "already"
    if rows and not form_field.repeatable:
        return "filled"
    fresh = tuple(act.new if i == n else column.default for i, column in enumerate(form_field.columns))
    return [*rows, fresh]


def _replace(act: Act, rows: Sequence[Row], n: int, form_field: FormField) -> Sequence[Row] | str:
    if not any(_has(form_field, row[n], act.old) for row in rows):
        return "absent"
    others = [row for row in rows if not _has(form_field, row[n], act.old)]
    out = []
    for row in rows:
        if _has(form_field, row[n], act.old):
            row = _with(row, n, _swapped(form_field, row[n], act.old, act.new))
            twice = n == 0 and form_field.repeatable and any(_says_no_more(row, other) for other in others)
            others.append(row)
            row = ("",) * len(row) if twice else row
        out.append(row)
    return out


def _says_no_more(row: Row, other: Row) -> bool:
    """Of the same name: an author who is there as a translator too keeps both roles."""
    return fold(row[0]) == fold(other[0]) and all(a in ("", b) for a, b in zip(row[1:], other[1:], strict=True))


def _remove(act: Act, rows: Sequence[Row], n: int, form_field: FormField) -> Sequence[Row] | str:
    if not any(_has(form_field, row[n], act.old) for row in rows):
        return "absent"
    swapped = ((row, _swapped(form_field, row[n], act.old, "")) for row in rows)
    return [row if row[n] == text else _with(row, n, text) if text or n else ("",) * len(row) for row, text in swapped]


def _words(act: Act, rows: Sequence[Row], n: int, form_field: FormField) -> Sequence[Row] | str:
    pattern = pattern_of(act.old, whole=act.whole)
    after = [_with(row, n, pattern.sub(lambda _found: act.new, row[n])) for row in rows]
    if any(len(row[n]) > LONGEST_TEXT for row in after):
        return "too_long"
    return after if after != list(rows) else "absent"


_RULES: Mapping[str, Rule] = {"add": _add, "replace": _replace, "remove": _remove, "words": _words}


def pattern_of(words: str, *, whole: bool = False) -> re.Pattern[str]:
    """These very words, whichever apostrophe they have; `whole`: not inside longer ones."""
    written = re.escape(words).replace("’", "'").replace("'", "['’]")
    return re.compile(rf"(?<!\w){written}(?!\w)" if whole else written)


def _with(row: Row, n: int, text: str) -> Row:
    return (*row[:n], text, *row[n + 1 :])


def _has(form_field: FormField, text: str, value: str) -> bool:
    return any(_same(form_field, part, value) for part in _values(form_field, text))


def _same(form_field: FormField, text: str, value: str) -> bool:
    """Accents, capitals and punctuation make no other word, but another web address."""
    return text == value if form_field.columns[0].how == "url" else fold(text) == fold(value)


def _values(form_field: FormField, text: str) -> list[str]:
    return text.split(";") if form_field.key in LISTS else [text]


def _swapped(form_field: FormField, text: str, old: str, new: str) -> str:
    """The text with one of its values replaced, or taken out."""
    parts = [new if _same(form_field, part, old) else part for part in _values(form_field, text)]
    once = dict.fromkeys(part for part in parts if part)
    return ";".join(once).strip() if form_field.key in LISTS else parts[0]


# --- a copy ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CopyState:
    """What an act looks at in a copy; `hidden_here`: by a person, not by what its source says."""

    call_number: str
    location: str
    section: str
    status: str
    hidden: bool
    hidden_here: bool


def changed_copy(copy: CopyState, act: Act) -> tuple[dict[str, Any], str]:
    """What is new in a copy (`location` by its name, `hidden` as yes or no), and ""; or nothing, and why."""
    if act.name in ("hide", "show"):
        if copy.hidden and act.name == "show" and not copy.hidden_here:
            return {}, "hidden_elsewhere"
        return ({}, "same") if copy.hidden == (act.name == "hide") else ({"hidden": act.name == "hide"}, "")
    if act.name == "prefix":
        if not copy.call_number or not _begins(copy.call_number, act.old):
            return {}, "absent"
        joint = "" if act.old else " "
        number = form.one_line(act.new + joint + copy.call_number[len(act.old) :])
        return ({"call_number": number}, "") if number != copy.call_number else ({}, "same")
    name = {"location": "location", "section": "section", "state": "status"}[act.name]
    return ({name: act.new}, "") if getattr(copy, name) != act.new else ({}, "same")


def _begins(call_number: str, beginning: str) -> bool:
    """« 364 » begins 364 DUB, and 364.4; not 3640."""
    after = call_number[len(beginning) : len(beginning) + 1]
    same = call_number[: len(beginning)].casefold() == beginning.casefold()
    return same and not (beginning[-1:].isdigit() and after.isdigit())
