"""Figures, each measured by one command: `python3 dev.py bench NAME`.

A benchmark is a module with a `main()`; it says what it sees as it goes, and ends with one line that a
script can read. `--quick` takes small sizes, under three minutes each.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}


def figures(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print the last line of a benchmark: `FIGURES [...]`.

    A row has "what", "value", "unit" and "target"; `ok` is computed from the target, a sentence like
    ">= 0.5". An empty target only informs.
    """
    keys = ("what", "value", "unit", "target")
    told = [{key: row.get(key, "") for key in keys} for row in rows]
    print(
        "FIGURES",
        json.dumps([row | {"ok": meets(row["value"], row["target"])} for row in told], ensure_ascii=False),
    )


def meets(value: float, target: str) -> bool:
    if not target:
        return True
    sign, limit = target.split()
    return COMPARE[sign](float(value), float(limit))
