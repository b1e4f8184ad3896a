"""« Nettoyage »: what a base gathers over the years, put right by several people at once, group by group.

A task (chantier) is a module of its own and a line below: how its groups are found, how one stands now, what settling
it does. To add a task, copy one. `looking` keeps what each look through the base has found, `taking` shares it out,
`summary` tells the day.
"""

from collections.abc import Callable, Mapping
from datetime import date

from catalogue.authorities import NameBook
from catalogue.cleaning import call_numbers, dates, dead, gaps, keywords, looking, names, twins
from catalogue.cleaning.chantier import Chantier, Found, Group, Member, Settled
from catalogue.db import Database

# By the word of its address, in the order of the page.
CHANTIERS: Mapping[str, Chantier] = {
    "doublons": twins.CHANTIER,
    "autorites": names.CHANTIER,
    "liens": dead.CHANTIER,
    "champs-vides": gaps.CHANTIER,
    "sujets": keywords.CHANTIER,
    "dates": dates.CHANTIER,
    "cotes": call_numbers.CHANTIER,
}


def with_names(book: NameBook) -> Mapping[str, Chantier]:
    """The same, asking what the process remembers of names."""
    return {**CHANTIERS, "autorites": names.asking(book)}


def look_by_night(base: Database, today: date, book: NameBook, stopping: Callable[[], bool] = lambda: False) -> None:
    """Count every task again, once a day."""
    with base.write() as session:
        if not looking.is_due(session, today):
            return
    looking.look_at_all(base, with_names(book), stopping)


__all__ = ["CHANTIERS", "Chantier", "Found", "Group", "Member", "Settled", "look_by_night", "with_names"]
