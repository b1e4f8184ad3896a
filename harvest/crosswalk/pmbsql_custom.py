"""The fields that a centre adds to PMB: of records (900), copies (999), holdings (951), home-made authorities (910).

PMB keeps the definition (`…_custom`), the values (`…_custom_values`) and the words of lists (`…_custom_lists`)
apart. A value is shown as PMB's screens show it; lists made by a query of the centre keep the raw value, because
no query is ever executed here. Fields that PMB does not export come in all the same, under another tag (901).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalogue.unimarc import Field
from harvest.crosswalk.pmbsql_tables import Base, Row, field, said

# A date that is not quite known, as PMB keeps it: « 1|||1998|||2001|||comment », the first number saying how.
FLOATING = {"0": "vers {0}", "1": "avant {0}", "2": "après {0}", "3": "{0}", "4": "entre {0} et {1}"}
DATATYPES = ("small_text", "text", "integer", "date", "float")  # each has its column
RESOLVERS = {"1": "PMID", "2": "DOI"}  # of PMB's own list, by number


@dataclass(frozen=True, slots=True)
class Value:
    name: str
    title: str
    type: str
    exported: bool
    raw: str
    shown: str
    hidden: bool = False  # from the public of the PMB

    @property
    def resolver(self) -> str:
        return self.raw.partition("|")[2]

    @property
    def identifier(self) -> str:
        """The DOI or PMID that this is; "" for any other value."""
        return self.raw.partition("|")[0] if self.type == "resolve" and self.resolver in RESOLVERS else ""


Values = Mapping[int, Sequence[Value]]


def values_of(base: Base, prefix: str, owners: Iterable[int]) -> Values:
    """What these records (copies, holdings…) say in the fields of their centre."""
    definitions = base.whole(f"{prefix}_custom")
    if not definitions:
        return {}
    found: dict[int, list[Value]] = {}
    champ = f"{prefix}_custom_champ"
    order = f"{champ}, {prefix}_custom_order, rowid"
    rows = base.get(f"{prefix}_custom_values", f"{prefix}_custom_origine", owners, order)
    for owner, several in rows.items():
        for row in several:
            if (definition := definitions.get(row[champ])) is not None:
                raw = _raw(row, prefix, said(definition, "datatype"))
                if raw:
                    found.setdefault(owner, []).append(_value(base, prefix, definition, raw))
    return found


def fields_of(values: Values, owner: int, tag: str, number: str = "", *, exported: bool = True) -> Iterator[Field]:
    """One field a value; `number` (a barcode) says of which copy."""
    for value in values.get(owner, ()):
        if value.exported != exported and tag in ("900", "901"):
            continue
        if tag == "900" and value.identifier:
            yield from field("014", "  ", [("a", value.identifier), ("b", RESOLVERS[value.resolver])])
        pairs = [("a", value.shown)]
        if value.type in ("url", "resolve", "query_auth", "query_list"):
            pairs = [("c", value.raw), *pairs]
        pairs += [("l", value.title), ("n", value.name), ("t", value.type), ("f", number)]
        yield from field(tag, "  ", [*pairs, ("2", "pmb" if tag == "901" else "")])  # `pmb.is_dump_only`


def home_made(base: Base, number: int) -> Iterator[Field]:
    """A home-made authority, by what its fields say."""
    row = base.one("authperso_authorities", "id_authperso_authority", [number]).get(number)
    if row is None:
        return
    kind = base.whole("authperso").get(row["authperso_authority_authperso_num"])
    words = [value.shown for value in values_of(base, "authperso", [number]).get(number, ())]
    yield from field(
        "910",
        "  ",
        [
            ("a", ". ".join(words)),
            ("n", said(kind, "authperso_name")),
            ("9", f"id:{number}"),
            ("5", str(row["authperso_authority_authperso_num"] or "")),
        ],
    )


def hidden_names(values: Values, owner: int) -> list[str]:
    """The fields that an export has and the public site of the PMB does not show."""
    return sorted({value.name for value in _hidden(values, owner)})


def hidden_identifiers(values: Values, owner: int) -> list[str]:
    """The DOI and PMID among their values, which stand in 014 too."""
    return sorted({value.identifier for value in _hidden(values, owner) if value.identifier})


def _hidden(values: Values, owner: int) -> list[Value]:
    return [value for value in values.get(owner, ()) if value.hidden and value.exported]


def _raw(row: Row, prefix: str, datatype: str) -> str:
    """The value, in the column of its type; elsewhere when a centre has changed the type since."""
    names = [name for name in (datatype, *DATATYPES) if name in DATATYPES]
    said_in = (row[f"{prefix}_custom_{name}"] for name in names)
    return next((str(value) for value in said_in if value not in (None, "", "0000-00-00")), "")


def _value(base: Base, prefix: str, definition: Row, raw: str) -> Value:
    kind = said(definition, "type")
    exported = bool(said(definition, "export"))
    return Value(
        said(definition, "name"),
        said(definition, "titre"),
        kind,
        exported,
        raw,
        _shown(base, prefix, definition["idchamp"], kind, raw),
        prefix == "notices" and definition["multiple"] is not None and not said(definition, "multiple"),
    )


def _shown(base: Base, prefix: str, number: int, kind: str, raw: str) -> str:
    if kind == "list":
        words = base.get(f"{prefix}_custom_lists", f"{prefix}_custom_champ", [number]).get(number, ())
        return next(
            (said(w, f"{prefix}_custom_list_lib") for w in words if str(w[f"{prefix}_custom_list_value"]) == raw), raw
        )
    if kind == "date_box":
        return _day(raw)
    if kind == "date_flot" and raw.count("|||") >= 2:
        return _floating(*raw.split("|||"))
    if kind in ("url", "resolve"):
        address, _sep, rest = raw.partition("|")
        return (rest.partition("|")[0] if kind == "url" else "") or address
    return raw


def _floating(how: str, begin: str, end: str, comment: str = "", *_rest: str) -> str:
    words = FLOATING.get(how, "{0} {1}").format(_day(begin), _day(end)).strip()
    return f"{words} ({comment.strip()})" if comment.strip() else words


def _day(text: str) -> str:
    return f"{text[8:]}/{text[5:7]}/{text[:4]}" if len(text) == 10 and text[4] == text[7] == "-" else text.strip()
