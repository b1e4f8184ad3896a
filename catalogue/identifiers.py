"""ISBN, ISSN, DOI, ISNI…, and our own addresses and codes: recognised, checked, written one way. Pure."""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from itertools import count
from operator import mul

from stdnum import ean, isbn, issn
from stdnum.iso7064 import mod_11_2

# Digits and consonants without l: nothing that can be misread or spell a word. 29 signs, a prime number,
# so that one check character catches every single slip and every exchange of neighbours (the NOID scheme).
ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
_VALUE = {sign: value for value, sign in enumerate(ALPHABET)}
CODE_LENGTH = 8
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_ISBN_SHAPE = re.compile(r"(?:97[89][- ]?)?\d[\d -]{7,14}[\dXx]")


def check_character(stem: str) -> str:
    return ALPHABET[sum(rank * _VALUE[sign] for rank, sign in enumerate(stem, 1)) % len(ALPHABET)]


def new_code() -> str:
    """Eight signs, the last one a check: a notice's address or an item's label."""
    number, values = secrets.randbelow(len(ALPHABET) ** (CODE_LENGTH - 1)), []
    for _place in range(CODE_LENGTH - 1):
        number, value = divmod(number, len(ALPHABET))
        values.append(value)
    values.append(sum(map(mul, count(1), values)) % len(ALPHABET))  # `check_character` of the others
    return "".join([ALPHABET[value] for value in values])


def is_code(text: str) -> bool:
    return len(text) == CODE_LENGTH and all(sign in _VALUE for sign in text) and check_character(text[:-1]) == text[-1]


@lru_cache(maxsize=10_000)  # checked, projected and looked for: the same number, three times a record
def find_isbn(text: str) -> str | None:
    """The ISBN-13 that `text` holds, without hyphens, or None. ISBN-10 become ISBN-13.

    >>> find_isbn("2-211-04459-X (br.)")
    '9782211044592'
    """
    for found in _ISBN_SHAPE.findall(text):
        compact = isbn.compact(found)
        if isbn.is_valid(compact):
            return str(isbn.to_isbn13(compact))
    return None


@lru_cache(maxsize=10_000)
def find_issn(text: str) -> str | None:
    for found in re.findall(r"\b\d{4}[-\s]?\d{3}[\dXx]\b", text):
        compact = issn.compact(found)
        if issn.is_valid(compact):
            return str(issn.format(compact))
    return None


def find_doi(text: str) -> str | None:
    """The DOI in lower case, its resolver's address left out (DOI Handbook: names are case-insensitive)."""
    found = _DOI.search(text)
    doi = found.group(0).rstrip(".,;)").lower() if found else ""
    return doi if 0 < len(doi) <= 300 else None


@lru_cache(maxsize=10_000)
def find_ean(text: str) -> str | None:
    compact = ean.compact(text)
    return str(compact) if len(compact) == 13 and ean.is_valid(compact) else None


def format_isbn(number: str) -> str:
    return str(isbn.format(number)) if isbn.is_valid(number) else number


# --- people, bodies and subjects ---------------------------------------------------------------

# Where each scheme's numbers are met: an address, or a name in front. What is in parentheses is the number.
_AUTHORITY_SHAPES = (
    ("orcid", re.compile(r"orcid(?:\.org/|[):\s]+)\s*((?:\d{4}-?){3}\d{3}[\dXx])", re.I)),
    ("isni", re.compile(r"isni(?:\.org/(?:isni/)?|[):\s]*)\s*((?:\d{4} ?){3}\d{3}[\dXx])", re.I)),
    ("viaf", re.compile(r"viaf(?:\.org/viaf/|[):\s]+)\s*(\d{1,22})(?!\d)", re.I)),
    ("idref", re.compile(r"idref(?:\.fr/|[):\s]+)\s*(\d{8}[\dXx])", re.I)),
    ("bnf", re.compile(r"ark:/12148/(cb\d{8}[0-9b-z])", re.I)),
    ("bnf", re.compile(r"FR-?BNF\s*(\d{8})", re.I)),
    ("bnf", re.compile(r"\(FR-PaBNF\)\s*(\d{8})", re.I)),
)


@lru_cache(maxsize=4096)  # an author’s number comes back with each of the author’s notices
def find_authority(text: str, scheme: str = "") -> tuple[str, str] | None:
    """The scheme and number by which the world knows a person, a body or a subject; `scheme` if it is said apart.

    Each is checked by its own check character: what does not agree is a slip, and none of these.

    >>> find_authority("http://catalogue.bnf.fr/ark:/12148/cb11909772t")
    ('bnf', 'cb11909772t')
    >>> find_authority("0000000121446296", "VIAF")  # an ISNI, whoever gave it
    ('isni', '0000000121446296')
    """
    for name, shape in _AUTHORITY_SHAPES:
        if (found := shape.search(text)) and (number := _authority_number(name, found.group(1))):
            return name, number
    bare, name = re.sub(r"[\s-]", "", text), scheme.strip().lower()
    if len(bare) == 16 and (number := _authority_number("isni", bare)):
        return ("orcid", f"{bare[:4]}-{bare[4:8]}-{bare[8:12]}-{bare[12:]}") if name == "orcid" else ("isni", number)
    if name in ("viaf", "idref", "bnf") and (number := _authority_number(name, bare)):
        return name, number
    return None


@lru_cache(maxsize=4096)
def read_authority_link(text: str) -> tuple[str, str] | None:
    """What a bare $3 says, as BnF and Sudoc write it: 8 digits of the BnF, or a PPN that its check character proves."""
    if found := find_authority(text):
        return found
    bare = text.strip()
    if re.fullmatch(r"\d{8}", bare):
        return "bnf", _ark(bare)
    if re.fullmatch(r"\d{8}[\dX]", bare) and (number := _authority_number("idref", bare)):
        return "idref", number
    return None


def _authority_number(scheme: str, text: str) -> str:
    """The number written one way, "" when its check character disagrees."""
    text = text.replace(" ", "").replace("-", "").upper()
    if scheme == "viaf":
        return text if re.fullmatch(r"[0-9]{1,22}", text) else ""
    if scheme == "idref":  # the PPN of Sudoc and IdRef: weights 9 to 2, modulo 11
        if not re.fullmatch(r"\d{8}[\dX]", text):
            return ""
        rest = -sum(int(digit) * weight for digit, weight in zip(text[:8], range(9, 1, -1), strict=True)) % 11
        return text if text[8] == ("X" if rest == 10 else str(rest)) else ""
    if scheme == "bnf":
        digits = text.removeprefix("CB")[:8]
        ark = _ark(digits) if re.fullmatch(r"[0-9]{8}", digits) else ""
        return ark if len(text) == 8 or text.lower() == ark else ""
    if not re.fullmatch(r"\d{15}[\dX]", text) or not mod_11_2.is_valid(text):
        return ""
    return text if scheme == "isni" else f"{text[:4]}-{text[4:8]}-{text[8:12]}-{text[12:]}"


def _ark(digits: str) -> str:
    """The name of a record in the BnF's ARK: eight digits and the NOID check character, as on our own codes."""
    return f"cb{digits}{check_character(f'cb{digits}')}"


def authority_uri(scheme: str, number: str) -> str:
    """The address of a subject in the files of the BnF or of IdRef, as their SKOS names it."""
    if scheme == "bnf":
        return f"http://data.bnf.fr/ark:/12148/{number}"
    return f"http://www.idref.fr/{number}/id" if scheme == "idref" else ""
