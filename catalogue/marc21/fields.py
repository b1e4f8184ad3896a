"""One data field, from one format to the other. Pure.

A field linked to the same one in another script (MARC 21: 880 and $6) becomes the UNIMARC field it stands for, with
$6 and $7 as the UNIMARC Manual has it (3.11, 3.13): 245 $6 880-01 and 880 $6 245-01/(N are two 200, « $6 a01 $7 ba »
and « $6 a01 $7 ca ».
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from catalogue.marc21.along import carried, name, take_name, uncarried
from catalogue.marc21.punctuation import repunctuated, unpunctuated
from catalogue.marc21.rows import LCCN, find_in, find_out, is_local
from catalogue.marc21.table import OURS, THEIRS, Pairs, Row, role_of, role_words, systems, table, word
from catalogue.marc21.titles import to_200, to_245
from catalogue.unimarc import Field


def field_in(f: Field) -> Field | None:
    """One data field; None for one that UNIMARC has no place for."""
    tag, ind = f["t"], f.get("i", "").ljust(2)[:2]
    pairs = [[c, v] for c, v in f.get("s", ()) if v.strip()]
    tag, pairs, script = _script_in(tag, pairs)
    pairs, named = take_name(pairs, OURS)
    if not pairs:
        return None
    found = find_in(tag, ind, pairs, named)
    if found is None:
        return {**f, "s": pairs} if is_local(tag) and not script else None
    row, our_ind = found
    made = Field(t=row.unimarc, i=our_ind, s=_values_in(row, ind, pairs))
    if find_out(made) != (row, ind) and not named:
        made["s"].append(["9", name(THEIRS, tag, ind)])
    made["s"] = [*script, *made["s"]]
    return _linked(made, f)


def field_out(f: Field, style: str, agency: str) -> Field | None:
    """One data field; None for one that MARC 21 has no place for."""
    tag, ind = f["t"], f.get("i", "").ljust(2)[:2]
    pairs = [[c, v] for c, v in f.get("s", ()) if v.strip()]
    linked = {c for c, v in pairs if c == "6" and re.fullmatch(r"a\d\d", v)}
    script = [pair for pair in pairs if pair[0] in "67"] if linked else []
    pairs, named = take_name([pair for pair in pairs if pair not in script], THEIRS)
    found = find_out(Field(t=tag, i=ind, s=pairs), named)
    if found is None:
        return {"t": tag, "i": ind, "s": [*script, *pairs]} if is_local(tag) else None
    row, their_ind = found
    values = _values_out(row, their_ind, pairs, style, agency)
    back = find_in(row.marc21, their_ind, values)
    if back is None or (back[0].unimarc, back[0].always, back[1]) != (tag, row.always, ind):
        values.append(["9", name(OURS, tag, ind)])
    their_tag = row.marc21
    if script:
        their_tag, values = _script_out(row.marc21, script, values)
    return _linked(Field(t=their_tag, i=their_ind, s=values), f)


def _linked(made: Field, f: Field) -> Field:
    """With the number of the record it leads to, in its own base, when the field has one ("x")."""
    if "x" in f:
        made["x"] = f["x"]
    return made


_OPEN, _CLOSE = "\x98", "\x9c"
_MARKS = dict.fromkeys(map(ord, "\x98\x9c\x88\x89"))
_QUALIFIED = re.compile(r"([\dXx -]{9,17})\s+\(([^()]+)\)$")


def _values_in(row: Row, ind: str, pairs: Pairs) -> Pairs:
    out: Pairs = []
    if "title" in row.how:
        out = to_200(pairs)
    else:
        for (code, value), (_code, raw) in zip(unpunctuated(row, pairs), pairs, strict=True):
            out += _value_in(row, ind, code, value, raw)
    if "names" in row.how:
        out = _once(out, "4")
    if "subject" in row.how and not any(c == "2" for c, _v in out) and (system := systems().get(ind[1])):
        out.append(["2", system])
    if row.nonfiling and ind[row.nonfiling - 1].isdigit():
        out = _marked(out, int(ind[row.nonfiling - 1]))
    if row.always:
        out.append(list(row.always))
    return out


def _value_in(row: Row, ind: str, code: str, value: str, raw: str) -> Pairs:
    if (back := uncarried(code, raw, OURS)) is not None:
        return [back]
    if "names" in row.how and code not in row.codes:
        if code == "4":
            return [["4", role_of(raw)]]
        if code == ("j" if row.marc21[1:] == "11" else "e") and (role := role_words().get(word(raw))):
            return [["4", role]]
    if code not in row.codes:
        return [carried(code, raw, THEIRS)]
    ours = row.codes[code]
    if "person" in row.how and code == "a" and ind[0] == "1" and ", " in value:
        family, given = value.split(", ", 1)
        return [["a", family], ["b", given]] if family.strip() and given.strip() else [["a", value]]
    if "qualified" in row.how and code == "a" and (found := _QUALIFIED.match(value)):
        return [["a", found[1]], ["b", found[2]]]
    if "qualified" in row.how and code == "q" and value.startswith("(") and value.endswith(")"):
        value = value[1:-1]
    if "lccn" in row.how:
        value = LCCN + raw
    return [[ours, value]]


def _marked(pairs: Pairs, count: int) -> Pairs:
    """The first words between marks, when the count says where they end: behind a blank, an apostrophe, a hyphen…"""
    for n, (code, value) in enumerate(pairs):
        if code in ("a", "t"):
            if 0 < count < len(value) and not value[count - 1].isalnum():
                return [*pairs[:n], [code, _OPEN + value[:count] + _CLOSE + value[count:]], *pairs[n + 1 :]]
            break
    return pairs


def _once(pairs: Pairs, code: str) -> Pairs:
    """Each value of that subfield once: the same role in words and by its code is one role."""
    out: Pairs = []
    said: set[str] = set()
    for c, value in pairs:
        if c == code:
            if value in said:
                continue
            said.add(value)
        out.append([c, value])
    return out


def _values_out(row: Row, ind: str, pairs: Pairs, style: str, agency: str) -> Pairs:
    pairs = [[c, v.translate(_MARKS)] for c, v in pairs if row.always is None or [c, v] != list(row.always)]
    if "title" in row.how:
        return to_245(pairs, style)
    if "person" in row.how and ind[0] == "1":
        pairs = _whole_name(pairs)
    out: Pairs = []
    for code, value in pairs:
        if (back := uncarried(code, value, THEIRS)) is not None:
            out.append(back)
        elif "names" in row.how and code == "4":
            codes: Sequence[str] = table()["roles"].get(value.strip(), (value,))
            out.append(["4", codes[0]])
        elif "subject" in row.how and code == "2" and value == systems().get(ind[1]):
            continue
        elif code not in row.back:
            out.append(carried(code, value, OURS))
        elif row.unimarc[0] == "4" and code == "0" and agency and not value.startswith("("):
            out.append([row.back[code], f"({agency}){value}"])
        else:
            out.append([row.back[code], value.removeprefix(LCCN) if "lccn" in row.how else value])
    return repunctuated(row, out, style)


def _whole_name(pairs: Pairs) -> Pairs:
    """Family name and given name in one $a: « Dupont, Anne »."""
    family, given = (next((v for c, v in pairs if c == code), "") for code in "ab")
    if not family or not given:
        return pairs
    rest = [pair for pair in pairs if pair != ["b", given]]
    at = next(n for n, (c, _v) in enumerate(rest) if c == "a")
    return [*rest[:at], ["a", f"{family}, {given}"], *rest[at + 1 :]]


def bare_target(f: Field, agency: str) -> Field:
    """« (RERO)R123 » is R123 in a file of RERO's own: that is how the other record of the file calls itself."""
    if f["t"][:1] != "4" or not agency:
        return f
    prefix = f"({agency})"
    return {**f, "s": [[c, v.removeprefix(prefix) if c == "0" else v] for c, v in f["s"]]}


_LINKED = re.compile(r"(\d\d\d)-(\d\d)(?:/(.+))?")


def _script_in(tag: str, pairs: Pairs) -> tuple[str, Pairs, Pairs]:
    """The tag that an 880 stands for, the other subfields, and UNIMARC's $6 and $7."""
    n = next((n for n, (c, _v) in enumerate(pairs) if c == "6"), None)
    found = _LINKED.fullmatch(pairs[n][1].strip()) if n is not None else None
    if n is None or found is None or (tag != "880" and found[1] != "880") or (tag == "880" and found[1] == "880"):
        return tag, pairs, []
    rest = [*pairs[:n], *pairs[n + 1 :]]
    if tag != "880":
        return tag, rest, [["6", "a" + found[2]], ["7", "ba"]]
    scripts: Mapping[str, str] = table()["scripts"]
    script = scripts.get(found[3] or "", "zz")
    if script in ("ba", "zz"):  # MARC 21's own words, where UNIMARC's code does not bring them back
        rest.append(["6", pairs[n][1]])
    return found[1], rest, [["6", "a" + found[2]], ["7", script]]


def _script_out(tag: str, script: Pairs, pairs: Pairs) -> tuple[str, Pairs]:
    """The tag and the subfields of a MARC 21 field that UNIMARC linked by $6 and $7."""
    said = {c: v for c, v in script}
    own = next((v for c, v in pairs if c == "6"), "")
    pairs = [pair for pair in pairs if pair[0] != "6"]
    if own and not own.startswith("880-"):
        return "880", [["6", own], *pairs]
    number = said["6"][1:3]
    if said.get("7", "ba")[:2] == "ba":
        return tag, [["6", f"880-{number}"], *pairs]
    scripts: Mapping[str, str] = table()["scripts"]
    code = next((theirs for theirs, ours in scripts.items() if ours == said["7"][:2]), "")
    return "880", [["6", f"{tag}-{number}" + (f"/{code}" if code else "")], *pairs]
