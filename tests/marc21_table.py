"""Writes the table of docs/marc21.md from catalogue/marc21/crosswalk.toml, where a librarian reads it.

.venv/bin/python -m tests.marc21_table
"""

from __future__ import annotations

from pathlib import Path

from catalogue.marc21.table import Row, rows, table

PAGE = Path(__file__).parent.parent / "docs" / "marc21.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
_HOW = {
    "title": "titre et responsabilité, voir plus bas",
    "agencies": "une 801 par agence",
    "lccn": "« (DLC) » devant le numéro",
}


def table_text() -> str:
    lines = ["| MARC 21 | UNIMARC | Quoi | Sous-zones | Indicateurs |", "|---|---|---|---|---|", *map(_line, rows())]
    lines += ["", "| Position en MARC 21 | en UNIMARC | Quoi | Codes |", "|---|---|---|---|"]
    lines += [
        f"| {block['marc21']} | {block['unimarc']} | {block['fr']} | {_equals(block['values'])} |"
        for block in table()["positions"]
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    pairs = " ".join(f"{theirs}={ours}" for theirs, ours in row.codes.items())
    said = _equals(pairs) or next((words for how, words in _HOW.items() if how in row.how), "")
    if row.always:
        said += f" ; toujours ${row.always[0]} {row.always[1]}"
    shown = (f"{theirs}={ours}".replace(" ", "#") for theirs, ours in row.ind if (theirs, ours) != ("**", "  "))
    indicators = " ".join(f"`{pair}`" for pair in _equals(" ".join(shown)).split())
    return f"| {row.marc21} | {row.unimarc} | {row.fr} | {said} | {indicators} |"


def _equals(pairs: str) -> str:
    return " ".join(pair.replace("=", "→") for pair in pairs.split())


def main() -> None:
    text = PAGE.read_text("utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    PAGE.write_text(f"{before}\n\n{table_text()}\n\n{after}", "utf-8")


if __name__ == "__main__":
    main()
