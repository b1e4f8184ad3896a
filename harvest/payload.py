"""What stands in a record's <metadata>, read by what it is and not by the format that was asked for.

A PMB asked for Dublin Core may answer with its own XML (PMB.md section 5.1): the name of the root decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from catalogue.problems import Refusal
from catalogue.unimarc import Record
from harvest import files
from harvest.crosswalk import dublincore, mods, pmbxml

Profile = Mapping[str, Any]
Reader = Callable[[etree._Element, int, Profile], Record | Refusal]

# What a partner may be asked for when its source says "auto", best first: PMB's own XML says most, Dublin Core least.
FORMATS = (
    *("pmb_xml_unimarc", "convert_pmb2mba", "convert_equi", "convert_pmb2xmlmarc"),
    *("marcxchange", "unimarc", "marcxml", "marc21", "mods", "oai_dc"),
)


def _pmb(element: etree._Element, position: int, profile: Profile) -> Record | Refusal:
    return pmbxml.from_element(element, position)


def _dublin_core(element: etree._Element, position: int, profile: Profile) -> Record | Refusal:
    return dublincore.from_element(element, position, profile.get("kinds"))


def _mods(element: etree._Element, position: int, profile: Profile) -> Record | Refusal:
    return mods.from_element(element, position, profile.get("kinds"))


def _marcxml(element: etree._Element, position: int, profile: Profile) -> Record | Refusal:
    """UNIMARC or MARC 21, which only the reader of files tells apart, with the dialects it knows."""
    raw = etree.tostring(element, encoding="utf-8", with_tail=False)
    read = next(iter(files.read_bytes(raw, "marcxml", profile)), None)
    if isinstance(read, Record | Refusal):
        return read
    return Refusal(position, "", "record.authority", raw=raw)


# By the local name of the payload's root.
READERS: Mapping[str, Reader] = {
    "notice": _pmb,
    "record": _marcxml,
    "collection": _marcxml,
    "mods": _mods,
    "dc": _dublin_core,
    "qualifieddc": _dublin_core,
}


def root_of(element: etree._Element) -> str:
    return pmbxml.local_name(element.tag)


def read(element: etree._Element, position: int, profile: Profile) -> Record | Refusal:
    """Raises KeyError for a root that no reader knows: whoever asks has looked at `root_of` first."""
    return READERS[root_of(element)](element, position, profile)
