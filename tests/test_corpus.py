"""The table of docs/corpus.md tells what the code does, wherever the collection of real files is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpus

ROOT = Path(__file__).parent.parent
COLLECTION = ROOT.parent / "shared" / "data"
LARGEST = 20_000  # bytes: larger files are measured by the command, not by every run of the tests
TABLE = {
    line.split(" | ")[0].removeprefix("| "): line for line in (ROOT / "docs" / "corpus.md").read_text().split("\n")
}

GROUPS = corpus.groups(COLLECTION)
SMALL = [name for name, members in GROUPS.items() if sum(path.stat().st_size for path in members) <= LARGEST]


@pytest.mark.parametrize("name", SMALL)
def test_a_real_file_becomes_what_the_table_says(name: str) -> None:
    line = corpus.measure(name, GROUPS[name], with_peers=False)
    told = TABLE[name].split(" | ")
    assert line.text().split(" | ")[:-1] == told[:-1]
    peers = told[-1].strip(" |")
    assert not peers or line.read >= int(peers)


def test_every_file_of_the_collection_is_in_the_table() -> None:
    assert set(GROUPS) <= set(TABLE)
