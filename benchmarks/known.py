"""Known items: somebody has a notice in mind and types two or three of its words. Is it found, and how high?

500 notices of the real records that lie beside the project (invented ones where they do not), each asked for as it
is written, with one typing error, without accents, and in the other number (plural for singular). Ours beside
SQLite's FTS5 with each of its tokenizers, and Whoosh with its stock French analyser; all weigh the title most, ask
for all the words and fall back on any of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks import figures
from benchmarks.searching.fts5_peer import TOKENIZERS, Fts5
from benchmarks.searching.notices import Maker
from benchmarks.searching.peers import Finder, Ours
from benchmarks.searching.questions import FORMS, Known, known_items
from benchmarks.searching.whoosh_peer import Whoosh
from catalogue.config import Settings
from catalogue.db import Database, chunks
from catalogue.models import Notice
from indexes import documents
from indexes.schema import IndexDoc

HERE = Path(__file__).parents[1]
REAL = HERE.parent / "shared/data/unimarc"
FILES = ("roubaix_bib_2383.mrc.gz", "archires_etudiants_80.iso2709", "archires_kentika_40_final.mrc")
INVENTED = 2_500
Ask = Callable[[str], Sequence[int]]


def main() -> None:
    n = 200 if "--quick" in sys.argv else 500
    with tempfile.TemporaryDirectory() as folder:
        docs = real_notices(Path(folder)) or list(Maker().notices(INVENTED))
        items = known_items(docs, n)
        print(f"{len(docs)} notices, {len(items)} of them asked for")
        asks = engines(docs, Path(folder))
        told = {name: {form: quality(ask, items, form) for form in FORMS} for name, ask in asks.items()}
    print(f"{'success at 10 / mean reciprocal rank':<40}" + "".join(f"{form:>16}" for form in FORMS))
    for name, forms in told.items():
        print(f"{name:<40}" + "".join(f"{found:>8.3f} / {rank:.3f}" for found, rank in forms.values()))
    figures(list(rows(told)))


def real_notices(folder: Path) -> list[IndexDoc]:
    """The sample of the public libraries, taken in as an administrator would."""
    files = [REAL / name for name in FILES if (REAL / name).exists()]
    if not files:
        return []
    environment = {**os.environ, "TRAVEE_DATA_DIR": str(folder / "base"), "TRAVEE_LANGUAGE": "en"}
    for words in (["init"], *(["import", str(file)] for file in files)):
        command = [sys.executable, "-m", "catalogue.cli", *words]
        done = subprocess.run(command, env=environment, cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):  # 3: done in part, records that were refused are told
            raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    database = Database(Settings(data_dir=folder / "base").url)
    try:
        with database.read() as session:
            ids = session.scalars(select(Notice.id).where(Notice.status == "published").order_by(Notice.id))
            return [doc for part in chunks(list(ids)) for doc in documents.read(session, part)]
    finally:
        database.close()


def engines(docs: Sequence[IndexDoc], folder: Path) -> dict[str, Ask]:
    ours, plain = Ours(folder / "ours", {}), Whoosh(folder / "whoosh", {})
    peers: list[Finder] = [ours, *(Fts5(tokenizer) for tokenizer in TOKENIZERS), plain]
    for peer in peers:
        peer.build(docs)
    return {peer.name: peer.known for peer in peers}


def quality(ask: Ask, items: Sequence[Known], form: str) -> tuple[float, float]:
    """The share found among the first ten, and the mean of 1 / rank among the first twenty."""
    ranks = [rank(ask(item.forms[form]), item.notice_id) for item in items]
    return sum(0 < r <= 10 for r in ranks) / len(ranks), sum(1 / r for r in ranks if r) / len(ranks)


def rank(found: Sequence[int], wanted: int) -> int:
    return found.index(wanted) + 1 if wanted in found else 0


def rows(told: dict[str, dict[str, tuple[float, float]]]) -> Any:
    for form in FORMS:
        for n, what in enumerate(("success at 10", "mean reciprocal rank")):
            best = max(forms[form][n] for name, forms in told.items() if name != "ours")
            best = round(best, 3)
            yield {
                "what": f"{form}: {what}",
                "value": round(told["ours"][form][n], 3),
                "unit": "",
                "target": f"> {best}" if best < 1 else ">= 1",  # where a peer finds all, ours must too
            }


if __name__ == "__main__":
    main()
