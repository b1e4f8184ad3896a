"""Files as nobody should ever send them: real ones, mutated, thrown at every reader.

    .venv/bin/python -m tests.fuzz ../shared/data --minutes 10

A reader must come back, in time and within memory, with records and refusals that have a sentence each; and
what it calls a record must be written and read again. A failure prints the seed and leaves the file. First come
the files of `tests/hostile.py`, made to be endless or slow. The same engine runs for a moment in the ordinary
tests, on our own fixtures, from a fixed seed (`tests/test_fuzz.py`).
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from catalogue.entities import About
from catalogue.problems import SENTENCES, Problem, Refusal, sentence
from catalogue.unimarc import Record
from export.iso2709 import record_bytes
from harvest import files
from tests import corpus, hostile

LARGEST = 60_000  # bytes of a mutated file: faults lie in structure, not in size
SLOWEST = 5.0  # seconds for so many bytes; a hundred times what they take
FAMILY, SLOWEST_FAMILY = 300_000, 60.0  # bytes of a file made to be slow, once unpacked, and seconds
MEMORY = 2_000_000_000
LONGEST = 700  # signs of a sentence that somebody is to read
TOKENS = (
    *(
        b"\x1d",
        b"\x1e",
        b"\x1f",
        b"\x1d\x1d",
        b"\x1e\x1f",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\x1b(B",
        b"\x88",
    ),
    *(b"99999", b"00000", b"99999999999999999999", b"-1", b"     nam0 22     3  450 ", b"\xef\xbb\xbf"),
    *(b"<", b">", b"&", b"&amp;", b"&#0;", b"&#x1f;", b"]]>", b"<!--", b"<![CDATA[", b"<record>", b"</record>"),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"</", b'xmlns="x"', b"<leader>", b"{", b"}", b"@book{a,", b"TY  - JOUR\n"),
    *(b"ER  - \n", b"'", b'"', b"\\", b"\\'", b");\nINSERT INTO `notices` VALUES (", b",", b";", b"\t", b"\r", b"\n\n"),
)


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The file with a few things wrong: bytes changed, pieces lost, doubled, moved, taken from another file."""
    out = bytearray(_piece(data, chance))
    for _time in range(chance.choice((1, 1, 2, 3, 8, 30))):
        at = chance.randrange(len(out) + 1)
        length = min(chance.choice((1, 1, 3, 12, 100, 1000)), len(out) - at)
        match chance.randrange(7):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del out[at : at + length]
            case 2:
                out[at:at] = out[at : at + length] * chance.choice((1, 2, 20))
            case 3:
                out[at:at] = chance.choice(TOKENS)
            case 4:
                out[at : at + length] = chance.choice(TOKENS)
            case 5:
                out[at:at] = _piece(other, chance)[:2000]
            case _:
                del out[at:]
    return bytes(out[: 2 * LARGEST])


def _piece(data: bytes, chance: random.Random) -> bytes:
    if len(data) <= LARGEST:
        return data
    at = chance.choice((0, chance.randrange(len(data) - LARGEST)))
    return data[at : at + LARGEST]


def check(data: bytes, format: str, slowest: float = SLOWEST) -> Iterator[str]:
    """What is wrong with the way these bytes were read; nothing, as a rule."""
    began, last = time.perf_counter(), 0
    for found in files.read_bytes(data, format):
        of_file = found.problems if isinstance(found, About) else getattr(found, "repairs", ())
        for said in (found,) if isinstance(found, Refusal) else of_file:
            yield from _unsaid(said)
        if 0 < found.position < last and format != "bibtex":  # there an entry may wait for the one it quotes
            yield f"position {found.position} after {last}"
        last = max(last, found.position)
        if isinstance(found, Record):
            again = list(files.read_bytes(record_bytes(found.fields), "unimarc"))
            if len(again) != 1 or isinstance(again[0], Refusal):
                yield f"record {found.position} cannot be written and read again: {again[:1]!r}"[:300]
    took = time.perf_counter() - began
    if took > slowest:
        yield f"{took:.1f} s for {len(data)} bytes"


def _unsaid(said: Problem | Refusal) -> Iterator[str]:
    if said.code not in SENTENCES:
        yield f"no sentence for {said.code}"
        return
    try:
        SENTENCES[said.code].format(**said.params)
    except (KeyError, IndexError, ValueError) as error:
        yield f"the sentence of {said.code} lacks {error!r}"
        return
    words = sentence(said.code, said.params)
    if len(words) > LONGEST:
        yield f"{len(words)} signs to say {said.code}"


def trial(samples: Sequence[tuple[str, bytes]], seed: int) -> tuple[str, bytes, list[str]]:
    """One mutated file: the format it was read as, its bytes, and what went wrong."""
    chance = random.Random(seed)
    format, data = chance.choice(samples)
    bad = mutated(data, chance.choice(samples)[1], chance)
    if format == "xlsx":  # a zip with a wrong byte is only damaged: it is the sheet inside that is mutated
        bad = hostile.workbook({hostile.SHEET: bad})
    try:
        return format, bad, list(check(bad, format))
    except Exception:
        return format, bad, [traceback.format_exc()]


def family(name: str, size: int = FAMILY) -> list[str]:
    """What went wrong with one of the files made to hurt."""
    format, make = hostile.FAMILIES[name]
    try:
        return list(check(make(size), format, SLOWEST_FAMILY))
    except Exception:
        return [traceback.format_exc()]


def samples(root: Path) -> list[tuple[str, bytes]]:
    """Format and bytes of real files; of a workbook, of its sheet."""
    out = [("xlsx", hostile.SMALL_SHEET)] * 6
    for members in corpus.groups(root).values():
        for path in members[:12]:
            format = files.format_of(path)
            if format in files.READERS:
                out.append((format, corpus.opened(path)))
    return out


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0, help="where to begin")
    parser.add_argument("--keep", type=Path, default=Path("var/fuzz"), help="where failing files go")
    asked = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    known = samples(asked.folder)
    print(f"{len(known)} files, formats {dict(Counter(format for format, _data in known))}")
    failures = 0
    for name in hostile.FAMILIES:
        for words in family(name):
            failures += 1
            print(f"{name}: {words}", file=sys.stderr)
    print(f"{len(hostile.FAMILIES)} files made to hurt: {failures} failures", flush=True)
    end, seed = time.monotonic() + 60 * asked.minutes, asked.seed
    tried: Counter[str] = Counter()
    told: set[str] = set()
    while time.monotonic() < end:
        format, data, wrong = trial(known, seed)
        tried[format] += 1
        for words in wrong:
            failures += 1
            sign = words.strip().splitlines()[-1][:60]
            if (format + sign) not in told:
                told.add(format + sign)
                asked.keep.mkdir(parents=True, exist_ok=True)
                (asked.keep / f"{format}-{seed}").write_bytes(data)
                print(f"seed {seed}, {format}: {words}", file=sys.stderr)
        seed += 1
    print(f"{tried.total()} mutated files {dict(tried)}: {failures} failures, {len(told)} different")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
