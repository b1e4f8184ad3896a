"""Dates as documents say them, in the language of the page: « juillet-août 2011 » is « July-August 2011 » in English.

Pure. Only the words of the table are turned; what else a record says of its date stays as it is written.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date

from babel.dates import format_date as babel_date

from catalogue.i18n import current_language, format_date

MONTHS = {
    **{"janvier": "January", "février": "February", "mars": "March", "avril": "April", "mai": "May", "juin": "June"},
    **{"juillet": "July", "août": "August", "septembre": "September", "octobre": "October", "novembre": "November"},
    **{"décembre": "December"},
}
_IN_ORDER = list(MONTHS)
ENGLISH = {
    **MONTHS,
    **{"printemps": "Spring", "été": "Summer", "automne": "Autumn", "hiver": "Winter"},
    **{"trimestre": "quarter", "semestre": "half-year", "et": "and", "s. d.": "n. d.", "[s.d.]": "[n.d.]"},
    **{"1er": "1st", "2e": "2nd", "3e": "3rd", "4e": "4th"},
}
_WORD = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, ENGLISH)) + r")(?!\w)", re.I)
_DAY = re.compile(rf"(\d{{1,2}})(?:er)? ({'|'.join(MONTHS)}) (\d{{4}})", re.I)
_ISO_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


def spoken(words: str) -> str:
    """
    >>> from catalogue.i18n import use_language
    >>> with use_language("en"):
    ...     spoken("1er mai 2011"), spoken("juillet-août 2011"), spoken("2e trimestre 2024"), spoken("vers 1960")
    ('May 1, 2011', 'July-August 2011', '2nd quarter 2024', 'vers 1960')
    >>> spoken("2011-05-01"), spoken("juillet-août 2011")
    ('1er mai 2011', 'juillet-août 2011')
    """
    with suppress(ValueError):  # « 31 février »: as it is said
        if found := _ISO_DAY.fullmatch(words):
            return format_date(date(int(found[1]), int(found[2]), int(found[3])))
        if current_language() != "fr" and (found := _DAY.fullmatch(words)):
            return format_date(date(int(found[3]), _IN_ORDER.index(found[2].lower()) + 1, int(found[1])))
    if current_language() == "fr":
        return words
    return _WORD.sub(lambda found: ENGLISH[found[1].lower()], words)


def month_and_year(day: date) -> str:
    return str(babel_date(day, "MMMM y", locale=current_language()))
