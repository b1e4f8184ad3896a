"""What spreadsheets of both kinds are read into: a table, its rows, and what ends the reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from catalogue.problems import Problem, Refusal
from catalogue.text import plain_text

COLUMNS = 300
CELL = 100_000  # signs
SHOWN = 8  # cells of a row in a sentence


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands: its number in the sheet, its cells as text."""

    number: int
    cells: tuple[str, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.problems and not any(cell.strip() for cell in self.cells)


@dataclass(slots=True)
class Table:
    """An open sheet: what is known of it, and its rows to come."""

    rows: Iterator[Row]
    separator: str = ""  # of a CSV
    charset: str = ""
    sheet: str = ""  # of a workbook
    sheets: tuple[str, ...] = ()  # all those that hold something


class Unreadable(Exception):
    """The file, or the rest of it, cannot be read."""

    def __init__(self, code: str, position: int = 0, **params: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(position, "", code, params)


def shown(cells: Sequence[str]) -> str:
    """Some cells in a sentence: « Titre », « Auteur » …"""
    words = [f"« {plain_text(cell)[:40]} »" for cell in cells if cell.strip()]
    return ", ".join(words[:SHOWN]) + (" …" if len(words) > SHOWN else "")
