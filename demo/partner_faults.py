"""What can go wrong with a partner: every switch and fault that the demo partner knows.

Options are PMB's own; the faults are those of running PMBs, of other servers, and of the road in between. Faults
of one page name it (1 is the first; 0 is none). They come back each time that page is asked for, or `times` times
only: then a harvester that tries again gets through.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from catalogue.unimarc import Field, Fields

WARNING = (
    '<br />\n<b>Warning</b>:  Undefined array key "opac_url" in '
    "<b>/var/www/pmb/admin/connecteurs/out/oai/oai.class.php</b> on line <b>212</b><br />\n"
)
WEB_PAGE = (
    '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8"><title>PMB</title></head>'
    "<body><p>Base en cours de maintenance, merci de revenir plus tard.</p></body></html>\n"
)
BOMB = (
    "<!DOCTYPE OAI-PMH [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 9))
    + "]>"
)
OUTSIDE = "<!DOCTYPE OAI-PMH [<!ENTITY a8 SYSTEM 'file:///etc/passwd'>]>"


@dataclass
class Faults:
    """What goes wrong, beyond PMB's usual ways. Nothing does, until somebody asks."""

    # PMB's own options, as section 5.4 of its description advises them to a network
    items: bool = True
    links: bool = True
    with_214: bool = True
    namespace: bool = False
    with_009_dates: bool = False  # 8.1.1.1 and later: creation and last change, in 009
    item_dates: tuple[int, ...] = ()  # records listed because a copy changed; their headers do not say so
    leftovers: bool = False  # what twenty years of cataloguing leave: HTML, Windows-1252, codes without a meaning
    # no answer, or not the one expected
    down: bool = False
    wait_seconds: float = 0.0
    refuse_first_n_with_503: int = 0
    retry_after: int = 10
    retry_after_as_date: bool = False
    fail_first_n_with_500: int = 0  # then all is well again
    http_500_empty: bool = False  # every list, as a PMB on PHP 8 that was not made for it
    oai_dc_500: bool = False
    no_identifiers: bool = False  # ListIdentifiers alone is 500
    redirect_to: str = ""
    php_warning_before_xml: bool = False
    # one page
    html_with_200_on_page: int = 0
    empty_200_on_page: int = 0
    cut_page: int = 0
    reset_page: int = 0  # the connection breaks in mid-body
    latin1_page: int = 0  # under a declaration that says UTF-8
    controls_page: int = 0  # characters that XML forbids
    bad_gzip_page: int = 0
    drip_page: int = 0  # a byte now and then
    drip_seconds: float = 1.0
    bomb_page: int = 0
    outside_page: int = 0  # an external entity
    expire_token_on_page: int = 0
    shifted_page: int = 0  # one record twice, the next one never
    times: int = 0
    # the whole list
    repeat_token: bool = False
    turning_tokens: bool = False  # a new token each time, for the same page
    wrong_total: bool = False
    constant_total: int = 0  # announced on every page, whatever there is
    from_ignored: bool = False
    empty_list: bool = False
    stale: bool = False  # new datestamp, old content
    ghosts: tuple[int, ...] = ()  # deleted, and the set not yet rebuilt: no datestamp, no metadata
    ghosts_keep_content: bool = False
    lost: tuple[int, ...] = ()  # never in a list of records, though among the identifiers
    unlisted: tuple[int, ...] = ()  # in no list at all, though GetRecord gives them
    denied: tuple[int, ...] = ()  # living, and GetRecord knows them not: the set is not rebuilt yet
    twice: tuple[int, ...] = ()  # listed twice
    two_contents: tuple[int, ...] = ()  # listed twice, with another title the second time
    false_deletions: tuple[int, ...] = ()  # living records announced deleted: they have left a basket
    deletions_of_last_set_only: bool = False
    failing_set: int = 0  # its lists are 500
    strange_set: bool = False  # headers name a set that ListSets does not
    unknown_type: bool = False  # a type of document that is this PMB's own
    pmb_in_dublin_core: tuple[int, ...] = ()  # asked for oai_dc, answers with its own XML
    huge: tuple[int, ...] = ()  # a note of 20 MB
    no_identifier: tuple[int, ...] = ()
    no_date_change: bool = False  # the datestamp is that of the record's creation


def parsed(text: str, like: Any) -> Any:
    """A value of /demo/faults, of the type that its default has."""
    if isinstance(like, bool):
        return text.lower() in ("1", "true", "yes", "oui", "on")
    if isinstance(like, tuple):
        return tuple(int(number) for number in text.split(",") if number)
    return type(like)(text)


def with_leftovers(fields: Fields) -> Fields:
    """The same record with what a real base drags along (PMB.md sections 2.3 and 5.2)."""
    strange: list[Field] = [
        {"t": "300", "i": "  ", "s": [["a", "<p>Don de la mairie &eacute;tendu</p>\n<br/>voir l\x92inventaire"]]},
        {"t": "210", "i": "  ", "s": [["d", "impr. 2008 (DL)"], ["h", "0000-00-00"]]},
        {"t": "463", "x": "9", "i": "  ", "s": [["t", " "], ["v", "12"], ["9", "id:9"], ["9", "lnk:bull"]]},
        {"t": "900", "i": "  ", "s": [["a", "14/03/2009"], ["l", "Date du débat"], ["n", "cp_debat"], ["t", "date"]]},
        {"t": "995", "i": "  ", "s": [["a", "Labo"], ["f", "LB9"], ["k", "P 9"], ["r", "uu"], ["q", "u"]]},
        {"t": "996", "i": "  ", "s": [["f", "LB9"], ["k", "P 9"], ["m", "00000000"], ["n", "00000000"]]},
    ]
    return [*fields, *strange]
