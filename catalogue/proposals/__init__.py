"""What a source's new version would change in our notice, waiting for a person or for a rule of that source.

A harvest only makes proposals (decision 2). One waits for each claim whose record has said something else since it
was agreed on; it holds the differences as `catalogue.merging` finds them, and the worst of them names it. Deciding
is a lot: notices take what was accepted, the claim's base moves to that version once every difference is decided,
and undoing the lot brings back notice, base and question together.

Nothing decides what nobody has read: what is stored is computed anew before it is applied, and a difference that
was not shown, or not like this, goes on waiting.
"""

from catalogue.history import mark_now
from catalogue.proposals.deciding import (
    Decisions,
    Settled,
    accept,
    accept_new,
    accept_safe,
    apply_rules,
    in_parts,
    put_aside,
    refuse,
    restore_many,
    rule_why,
    snapshot,
    withdraw,
)
from catalogue.proposals.questions import Proposed, keep_up, propose, refresh
from catalogue.proposals.reading import (
    CATEGORIES,
    Waiting,
    changes_of,
    count,
    get,
    list_deleted,
    list_waiting,
    preview,
)

__all__ = [
    "CATEGORIES",
    "Decisions",
    "Proposed",
    "Settled",
    "Waiting",
    "accept",
    "accept_new",
    "accept_safe",
    "apply_rules",
    "changes_of",
    "count",
    "get",
    "in_parts",
    "keep_up",
    "list_deleted",
    "list_waiting",
    "mark_now",
    "preview",
    "propose",
    "put_aside",
    "refresh",
    "refuse",
    "restore_many",
    "rule_why",
    "snapshot",
    "withdraw",
]
