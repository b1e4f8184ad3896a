"""A long act that a page has begun: it goes on in a thread of its own, and the page is not kept waiting.

What it does is written part by part by the act itself, so that a process that ends half-way loses nothing that was
done: see `catalogue.batch_edit` and `catalogue.cleaning`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Thread

from catalogue.i18n import current_language, use_language

log = logging.getLogger("travee")
PATIENCE = 4.0  # seconds: what ends sooner is shown done


def begin(name: str, work: Callable[[], object], *, patience: float = PATIENCE) -> bool:
    """Do it, and wait for it a moment; whether it has ended. Whatever goes wrong is told to the log."""
    language = current_language()

    def to_the_end() -> None:
        with use_language(language):
            try:
                work()
            except Exception:
                log.exception("%s was not finished", name)

    thread = Thread(target=to_the_end, name=f"travee-{name}", daemon=True)
    thread.start()
    thread.join(patience)
    return not thread.is_alive()
