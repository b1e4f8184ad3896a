"""Are these two notices one document? Candidates, a score from named features, and reasons in words.

    described = describe(fields)            once a notice (pure)
    keys(described)                         under which it is looked for (pure)
    compare(a, b)                           same, different, or a person decides; and why (pure)
    candidates.find(session, [described])   the notices worth comparing, one query for many

What a person has judged is kept elsewhere (`Judgement`), by `pair(left, right)`; docs/matching.md tells the rules,
where they come from, and how well they do.
"""

from catalogue.matching.compare import DIFFERENT, DOUBT, SAME, Reason, Verdict, compare, pair, reasons_of
from catalogue.matching.described import Described, describe
from catalogue.matching.keys import keys
from catalogue.matching.said import written

__all__ = [
    "DIFFERENT",
    "DOUBT",
    "SAME",
    "Described",
    "Reason",
    "Verdict",
    "compare",
    "describe",
    "keys",
    "pair",
    "reasons_of",
    "written",
]
