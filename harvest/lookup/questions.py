"""What somebody pastes into the one field of « Cataloguer », understood. Pure.

>>> understand("https://doi.org/10.5555/ABC.12").kind
'doi'
>>> understand("2-211-04459-X").value
'9782211044592'
>>> understand("978-2-211-04459-0").value  # impossible: `said` tells why, and nobody is asked
''
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from stdnum import isbn, issn

from catalogue.i18n import _
from catalogue.identifiers import find_doi, format_isbn
from catalogue.text import plain_text

LONGEST = 2_000  # signs that are looked at
LONGEST_TITLE = 300  # signs that are sent to a source
_NUMBER = re.compile(r"(?:(?:e-?)?(ISBN|ISSN|EAN)(?:-1[03])?\s*[:=]?\s*)?([\dXx\s‐‑–-]{7,24})", re.I)
_DOI_LIKE = re.compile(r"(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi\s*[:=]?\s*|info:doi/)(.*)", re.I | re.S)
_BARE_DOI = re.compile(r"10\.\d+/\S+")
_ADDRESS = re.compile(r"https?://\S+", re.I)
_WITHOUT_SCHEME = re.compile(r"www\.[\w.-]{3,200}(?:/\S*)?|[\w.-]{1,200}\.(?:fr|org|com|eu|net|info|be|ch)/\S*", re.I)
_IN_BRACKETS = re.compile(r"^\s*<\s*((?:https?:|10\.|doi:)[^<>]*)>\s*$", re.I)
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `value` "": nothing can be asked, and `said` tells why; else what it was taken for, in words.

    `doi`: the one that an address holds, by which sources that know no address can answer too.
    """

    kind: str  # isbn | issn | doi | url | title
    value: str
    said: str
    doi: str = ""

    @property
    def possible(self) -> bool:
        return bool(self.value)


def understand(text: str) -> Question:
    """An ISBN, an ISSN, a DOI in any of its forms, a web address; everything else is a title."""
    text = plain_text(_IN_BRACKETS.sub(r"\1", text[:LONGEST]))
    if not text:
        return Question("title", "", _("Collez un ISBN, un ISSN, un DOI, une adresse web ou un titre."))
    bare = text.strip(" .,;\"'«»()<>\u00a0\u202f")
    return _number(bare.translate(_DASHES)) or _doi(bare) or _address(bare) or _title(text)


def _number(text: str) -> Question | None:
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    named, bare = (found[1] or "").upper(), re.sub(r"[\s-]", "", found[2]).upper()
    if named == "ISSN" or (named != "ISBN" and len(bare) == 8):
        if issn.is_valid(bare):
            number = str(issn.format(bare))
            return Question("issn", number, _("ISSN %(number)s") % {"number": number})
        # Eight digits may be a date or a title (« 20240318 »): only what is written as an ISSN is a wrong one.
        if named or re.fullmatch(r"\d{4}-\d{3}[\dXx]", text):
            said = _("Cet ISSN n’existe pas : « %(number)s ». Un des chiffres est faux, ou il en manque un.")
            return Question("issn", "", said % {"number": found[2].strip()})
        return None
    if named or len(bare) in (10, 13):
        if isbn.is_valid(bare):
            number = str(isbn.to_isbn13(bare))
            return Question("isbn", number, _("ISBN %(number)s") % {"number": format_isbn(number)})
        if named or bare.startswith(("978", "979")) or "-" in text or bare.endswith("X"):
            said = _("Cet ISBN n’existe pas : « %(number)s ». Un des chiffres est faux, ou il en manque un.")
            return Question("isbn", "", said % {"number": found[2].strip()})
    return None


def _doi(text: str) -> Question | None:
    named = _DOI_LIKE.fullmatch(text)
    if not named and not _BARE_DOI.fullmatch(text):
        return None
    written = unquote(named[1] if named else text).strip()
    if doi := find_doi(written):
        return Question("doi", doi, _("DOI %(doi)s") % {"doi": doi})
    said = _("Ce DOI n’est pas possible : « %(doi)s ». Un DOI s’écrit 10.1234/suite, sans espace.")
    return Question("doi", "", said % {"doi": written[:100]})


def _address(text: str) -> Question | None:
    if not _ADDRESS.fullmatch(text):
        if not _WITHOUT_SCHEME.fullmatch(text):
            return None
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.username is not None or not ("." in host or _is_number(host)):
        said = _("Cette adresse n’est pas complète : « %(url)s ». Copiez-la depuis la barre du navigateur.")
        return Question("url", "", said % {"url": text[:100]})
    return Question("url", text, _("page de %(host)s") % {"host": host}, find_doi(unquote(text)) or "")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _title(text: str) -> Question:
    if sum(sign.isalnum() for sign in text) < 3:
        return Question("title", "", _("Écrivez au moins trois lettres du titre."))
    title = text[:LONGEST_TITLE]
    return Question("title", title, _("titre « %(title)s »") % {"title": title})
