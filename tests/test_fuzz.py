"""The engine of `tests/fuzz.py` for a moment, on our own fixtures and from fixed seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvest import files
from harvest.crosswalk import workbook
from tests import corpus, fuzz, hostile

FIXTURES = sorted(path for path in (Path(__file__).parent / "data").rglob("*") if path.is_file())


def samples() -> list[tuple[str, bytes]]:
    found = [(files.format_of(path), corpus.opened(path)) for path in FIXTURES]
    return [(format, data) for format, data in found if format in files.READERS]


@pytest.mark.parametrize("beginning", range(0, 300, 100))
def test_a_file_with_anything_wrong_is_read_or_refused_in_words(beginning: int) -> None:
    known = samples()
    assert {"unimarc", "pmbxml"} <= {format for format, _data in known}
    for seed in range(beginning, beginning + 100):
        format, _bad, wrong = fuzz.trial(known, seed)
        assert not wrong, f"seed {seed}, {format}: {wrong[0]}"


@pytest.mark.parametrize("format", sorted({format for format, _make in hostile.FAMILIES.values()}))
def test_a_file_made_to_hurt_is_read_or_refused_in_words(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "CELLS", 20_000)
    monkeypatch.setattr(workbook, "LAST_ROW", 2_000)
    names = [name for name, (of, _make) in hostile.FAMILIES.items() if of == format]
    assert {name: wrong for name in names if (wrong := fuzz.family(name, 5_000))} == {}
