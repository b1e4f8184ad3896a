"""Has a web archive kept a copy of this page? The Internet Archive is asked; its answer is checked before it is shown.

Its interface (https://archive.org/help/wayback_api.php) names the copy that is nearest to a day. No copy is made, and
none is fetched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime

from harvest.lookup.door import Door
from harvest.lookup.trouble import Trouble

LABEL = "archive.org"
SECONDS = 8.0
_COPY = re.compile(r"https?://web\.archive\.org/web/(\d{14})(?:id_|if_)?/(https?:/.{1,1900})")


@dataclass(frozen=True, slots=True)
class ArchivedCopy:
    url: str
    on: date


def find_copy(url: str, *, near: date, agent: str, private: bool = False, api: str) -> ArchivedCopy | None:
    """The copy nearest to that day; None when the archive has none. Raises Trouble when it does not say."""
    door = Door(agent=agent, private=private, seconds=SECONDS)
    asked = {"url": url, "timestamp": near.strftime("%Y%m%d")}
    return read_answer(door.get(api, asked, accept="application/json").raw)


def is_copy(url: str) -> bool:
    """Whether this is the address of a copy, as `find_copy` gives them."""
    return bool(_COPY.fullmatch(url)) and url.startswith("https://") and url.isprintable()


def read_answer(raw: bytes) -> ArchivedCopy | None:
    """What the archive says. Raises Trouble for what is not its way of saying it."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Trouble("not_json") from error
    snapshots = said.get("archived_snapshots") if isinstance(said, dict) else None
    if not isinstance(snapshots, dict):
        raise Trouble("shape")
    closest = snapshots.get("closest")
    if closest is None:
        return None
    if not isinstance(closest, dict):
        raise Trouble("shape")
    if closest.get("available") is not True or str(closest.get("status", "200")) != "200":
        return None
    found = _COPY.fullmatch(str(closest.get("url", "")))
    if found is None or not str(closest["url"]).isprintable():
        raise Trouble("shape")
    try:
        on = datetime.strptime(found[1], "%Y%m%d%H%M%S").date()
    except ValueError as error:
        raise Trouble("shape") from error
    return ArchivedCopy(f"https://web.archive.org/web/{found[1]}/{found[2]}", on)
