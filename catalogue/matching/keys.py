"""The keys under which notices of one document meet. Pure.

Two notices are compared when they have a key in common. No key needs an author or an ISBN: what the field calls
grey literature has neither. Each says a little more than a title, so that few notices share it; the title alone is
a key too, that only helps where it is rare (`candidates.MOST`).

    isbn:9782707123456                        the numbers of the document
    t:politique ville hauts france            a title, by its first words that say something
    y:politique ville hauts france|2018       the same in a year;  v:…|3 as a volume;  p:…|p212 by its pages
    w:discriminations integration logement    its three longest words, whatever their order
    e:chiffres cles                           its last ones: what is left when the beginning has a slip
    a:dupont anne|2018                        an author, or a body, and a year
    n:politique|2018|212                      nothing but a word, a year and a number of pages
    h:gazette quartiers|212|14                where an article begins, in which number of what
"""

from __future__ import annotations

from collections.abc import Iterator

from catalogue.matching.described import Described, key_words
from catalogue.matching.words import significant

LONGEST = 80  # signs: enough to tell two titles apart, and no key of a whole page
HEAD = 4  # words of a title's beginning
SERIALS = ("serial", "issue")


def keys(described: Described) -> tuple[str, ...]:
    """Every key of a notice, each once, the surest first."""
    return tuple(dict.fromkeys(key[:LONGEST] for key in (*_by_number(described), *_by_words(described))))


def _by_number(d: Described) -> Iterator[str]:
    for isbn in sorted(d.isbns)[:6]:
        yield f"isbn:{isbn}"
    for doi in sorted(d.dois)[:3]:
        yield f"doi:{doi}"
    for scheme, number in sorted(d.records)[:4]:
        yield f"{scheme}:{number}"
    for ean in sorted(d.eans)[:3]:
        yield f"ean:{ean}"
    for url in sorted(d.urls)[:3]:
        yield f"url:{url}"
    if d.level == "serial":
        for issn in sorted(d.issns)[:3]:
            yield f"issn:{issn}"


def _by_words(d: Described) -> Iterator[str]:
    words = key_words(d)
    if not words:
        return
    head = " ".join(words[:HEAD])
    yield f"t:{head}"
    if d.year:
        yield f"y:{head}|{d.year}"
    if d.volume:
        yield f"v:{head}|{d.volume}"
    if d.set_title:
        yield f"v:{' '.join(significant(d.set_title)[:HEAD])}|{d.volume}"
    whole = significant(d.full_title)
    if len(whole) > 2:
        yield f"w:{' '.join(sorted(sorted(set(whole), key=lambda w: (-len(w), w))[:3]))}"
    if len(whole) > 3:
        yield f"e:{' '.join(whole[-3:])}"
    yield from _by_names(d, words)
    yield from _by_pages(d, words)


def _by_names(d: Described, words: tuple[str, ...]) -> Iterator[str]:
    longest = max(words, key=lambda word: (len(word), word))
    for person in d.people[:2]:
        family = max(person.split(), key=lambda word: (len(word), word))
        yield f"a:{family}|{longest}"
        if d.year and len(family) > 2:
            yield f"a:{' '.join(sorted(person.split()))}|{d.year}"
    for body in d.bodies[:2] or d.publishers[:1]:
        if d.year:
            who = " ".join(significant(body)[:HEAD])
            yield f"b:{who}|{d.year}|{words[0][:4]}"
            yield f"b:{who}|{d.year}|{words[-1][:4]}"


def _by_pages(d: Described, words: tuple[str, ...]) -> Iterator[str]:
    if d.pages and d.year:
        yield f"n:{words[0]}|{d.year}|{d.pages}"
    if d.host or d.host_issn:
        journal = d.host_issn or " ".join(significant(d.host)[:HEAD])
        if d.issue and d.first_page:
            yield f"h:{journal}|{d.issue}|{d.first_page}"
        if d.first_page and d.year:
            yield f"h:{journal}|{d.year}|{d.first_page}"
        if d.level == "issue":
            yield f"i:{journal}|{d.issue or d.date}"
