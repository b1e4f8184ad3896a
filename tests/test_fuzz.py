"""The engine of `tests/fuzz.py` for a moment, on our own fixtures and from fixed seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvest import files
from tests import corpus, fuzz

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
