"""Several sources asked side by side, each in a thread, within one limit. A late one is left, its connection cut.

for answer in ask(understand("10.5555/abc"), sources(), agent="…"):
    answer.label, answer.state, answer.records
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from queue import Empty, Queue
from threading import BoundedSemaphore, Thread
from typing import Any

from catalogue.found import Answer, is_alike
from catalogue.unimarc import Fields
from harvest.lookup import page, services, sru
from harvest.lookup.door import Door
from harvest.lookup.questions import Question
from harvest.lookup.table import LookupSource, place_of
from harvest.lookup.trouble import Trouble

log = logging.getLogger("travee")

LIMIT = 4.0  # seconds, for all of them
TOGETHER = 120  # questions on their way at once in this process; more are told to come back
MOST_FIELDS, LONGEST = 500, 20_000  # fields of a record, signs of a value
_CONTROLS = (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0x98), 0x99, 0x9A, 0x9B, 0x9D, 0x9E, 0x9F)
_UNSEEN = dict.fromkeys((*_CONTROLS, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF, 0xFFFD))
_places = BoundedSemaphore(TOGETHER)

Reader = Callable[[Question, LookupSource, Door, str], list[Fields]]
READERS: Mapping[str, Reader] = {
    "sru": sru.ask,
    "crossref": services.crossref,
    "openedition": services.openedition,
    "hal": services.hal,
    "datacite": services.datacite,
    "page": page.ask,
}


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to do through a door of its own."""

    key: str
    private: bool
    work: Callable[[Door], Any]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: a result, or the trouble it met."""

    key: str
    result: Any
    trouble: Trouble | None
    seconds: float


def ask(
    question: Question,
    sources: Iterable[LookupSource],
    *,
    limit: float = LIMIT,
    allow_private: bool = False,
    agent: str = "Travee",
    mail: str = "",
) -> Iterator[Answer]:
    """The answers as they come, none of them later than the limit; nothing when nothing can be asked.

    A source may be in our own network when a person has said so in the settings, or `allow_private`. An address that
    somebody typed never is, unless it is on the very server of such a source.
    """
    known = list(sources)
    asked = {source.code: source for source in known if source.answers(question)}
    local = {source.place for source in known if source.address and (source.local or allow_private)}
    jobs = [
        Job(code, _place(source, question) in local, _work(question, source, mail)) for code, source in asked.items()
    ]
    for done in side_by_side(jobs, limit=limit, agent=agent):
        yield _answer(asked[done.key], question, done)


def _place(source: LookupSource, question: Question) -> tuple[str, int | None]:
    """Where the question goes: to the source's own server, or to the page's."""
    return source.place if source.address else place_of(question.value)


def _work(question: Question, source: LookupSource, mail: str) -> Callable[[Door], list[Fields]]:
    return lambda door: READERS[source.reader](question, source, door, mail)


def _answer(source: LookupSource, question: Question, done: Done) -> Answer:
    of_page = source.reader == "page"
    url = question.value if of_page else source.address
    label = (place_of(url)[0].removeprefix("www.") or source.label) if of_page else source.label
    trouble, records = done.trouble, tuple(cleaned(record) for record in done.result or ())
    if question.kind == "title":  # a service gives what comes nearest, however far that is
        records = tuple(record for record in records if is_alike(question.value, record))
    state, reason = "found" if records else "nothing", ""
    if trouble is not None and trouble.code == "gone" and not of_page:
        state = "nothing"  # how Crossref, DataCite and OpenEdition say that a DOI is none of theirs
    elif trouble is not None:
        state, reason = trouble.state, trouble.sentence(label)
    return Answer(source.code, label, state, records, url, round(done.seconds, 2), reason, source.rank)


def cleaned(record: Fields) -> Fields:
    """Without what shows nothing, or turns a line around: control signs, and marks of direction that override."""
    return [
        {**f, "s": [[code, value.translate(_UNSEEN)[:LONGEST]] for code, value in f["s"]]} if "s" in f else f
        for f in record[:MOST_FIELDS]
    ]


def side_by_side(jobs: Iterable[Job], *, limit: float, agent: str) -> Iterator[Done]:
    """Do them all at once; each as soon as it is done, those that are not when the time is over as late."""
    began = time.monotonic()
    came: Queue[Done] = Queue()
    under_way: dict[str, Door] = {}
    refused: list[Done] = []
    for job in jobs:
        if not _places.acquire(blocking=False):
            refused.append(Done(job.key, None, Trouble("crowded"), 0.0))
            continue
        door = under_way[job.key] = Door(agent=agent, private=job.private, seconds=limit)
        Thread(target=_go, args=(job, door, came, began), name=f"travee-ask-{job.key}", daemon=True).start()
    try:
        yield from refused
        while under_way:
            left = limit - (time.monotonic() - began)
            try:
                done = came.get(timeout=left) if left > 0 else came.get_nowait()
            except Empty:
                break
            under_way.pop(done.key)
            yield done
        for key in list(under_way):
            yield Done(key, None, Trouble("late"), limit)
    finally:
        for door in under_way.values():
            door.cut()


def _go(job: Job, door: Door, came: Queue[Done], began: float) -> None:
    result, trouble = None, None
    try:
        result = job.work(door)
    except Trouble as met:
        trouble = met
    except Exception:  # whatever a server sent: the other answers must come all the same
        log.exception("the answer of %s could not be read", job.key)
        trouble = Trouble("fault")
    finally:
        _places.release()
        came.put(Done(job.key, result, trouble, time.monotonic() - began))
