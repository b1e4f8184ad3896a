"""Thesauri, classification plans and authors of a PMB base.

A thesaurus is a tree of nodes (`noeuds`) under a root, with a label a language (`categories`). PMB keeps two nodes
of its own under the root: NONCLASSES, for the terms that wait to be given a place, and ORPHELINS. What stands under
them comes in at the top of the tree, and is told. A node that sends to another (`num_renvoi_voir`) is a term not to
be used: its labels become other words of that concept, which is also who its number means from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from catalogue.entities import AgentRow, ClassRow, ConceptRow, Thesaurus
from catalogue.problems import Problem
from catalogue.text import fold
from catalogue.unimarc import Field, name_of
from harvest.crosswalk.pmbsql_tables import Base, Row, said

TYPES = {"70": "person", "71": "corporate_body", "72": "meeting"}
OWN_NODES = ("TOP", "NONCLASSES", "ORPHELINS")
_FARTHEST = 20  # references from one term to the next


def thesauri(base: Base) -> Iterator[Thesaurus]:
    for number, row in base.whole("thesaurus").items():
        nodes = base.get("noeuds", "num_thesaurus", [number], "id_noeud").get(number, ())
        labels: dict[int, dict[str, Row]] = {}
        for label in base.get("categories", "num_thesaurus", [number]).get(number, ()):
            if said(label, "libelle_categorie").strip():
                labels.setdefault(label["num_noeud"], {}).setdefault(_language(said(label, "langue")), label)
        yield _thesaurus(base, number, row, {n["id_noeud"]: n for n in nodes}, labels)


def _thesaurus(
    base: Base, number: int, row: Row, nodes: Mapping[int, Row], labels: Mapping[int, Mapping[str, Row]]
) -> Thesaurus:
    title = said(row, "libelle_thesaurus").strip() or f"Thésaurus {number}"
    own = {n: said(node, "autorite") for n, node in nodes.items() if _is_own(row, n, node)}
    terms = {n for n in nodes if n not in own and labels.get(n)}
    used: dict[int, int] = {}  # a term not to be used -> the concept
    lost = 0
    for n in terms:
        target = _target(nodes, n)
        if target != n and target in terms:
            used[n] = target
        elif target != n:
            lost += 1
    alternate: dict[int, list[tuple[str, str]]] = {}
    for n, target in sorted(used.items()):
        alternate.setdefault(target, []).extend((lang, said(r, "libelle_categorie")) for lang, r in labels[n].items())
    concepts = sorted(terms - used.keys())
    see_also = base.get("voir_aussi", "num_noeud_orig", concepts)
    rows = []
    waiting = orphans = 0
    for n in concepts:
        parent = nodes[n]["num_parent"] or 0
        parent = used.get(parent, parent)
        place = own.get(parent, "")
        waiting += place == "NONCLASSES"
        orphans += place == "ORPHELINS" or (parent not in own and parent not in terms)
        related = dict.fromkeys(used.get(r["num_noeud_dest"], r["num_noeud_dest"]) for r in see_also.get(n, ()))
        rows.append(
            ConceptRow(
                uri=f"#{n}",
                preferred={lang: said(r, "libelle_categorie").strip() for lang, r in labels[n].items()},
                alternate=tuple(alternate.get(n, ())),
                broader=(f"#{parent}",) if parent in terms else (),
                related=tuple(f"#{r}" for r in related if r in terms and r != n),
                scope_note=_note(labels[n]),
            )
        )
    problems = {"pmbsql.waiting_terms": waiting, "pmbsql.orphan_terms": orphans, "pmbsql.lost_references": lost}
    return Thesaurus(
        code="-".join(fold(title).split()) or f"thesaurus-{number}",
        uri=f"#thesaurus-{number}",
        title={_language(said(row, "langue_defaut")) or "fr": title},
        rows=tuple(rows),
        numbers={str(n): f"#{used.get(n, n)}" for n in sorted(terms)},
        repairs=tuple(
            Problem("", "", code, "info", {"n": str(n), "thesaurus": title}) for code, n in problems.items() if n
        ),
    )


def _is_own(thesaurus: Row, number: int, node: Row) -> bool:
    return number == thesaurus["num_noeud_racine"] or said(node, "autorite") in OWN_NODES


def _target(nodes: Mapping[int, Row], number: int) -> int:
    """The concept that a term sends to, through others if need be; itself when it sends nowhere or in circles."""
    at, seen = number, {number}
    while (node := nodes.get(at)) is not None and (following := node["num_renvoi_voir"] or 0) and len(seen) < _FARTHEST:
        if following in seen:
            return number
        seen.add(following)
        at = following
    return at


def _note(labels: Mapping[str, Row]) -> str:
    notes = (said(row, column).strip() for row in labels.values() for column in ("note_application", "comment_public"))
    return "\n".join(dict.fromkeys(note for note in notes if note))


def _language(code: str) -> str:
    """« fr_FR » is fr."""
    return code[:2].lower()


def classes(base: Base) -> Iterator[ClassRow]:
    plans = base.whole("pclassement")
    for row in base.select("SELECT * FROM indexint ORDER BY num_pclass, indexint_name"):
        if number := said(row, "indexint_name").strip():
            plan = said(plans.get(row["num_pclass"] or 0), "name_pclass").strip() or "PMB"
            yield ClassRow(plan, number, said(row, "indexint_comment").strip(), str(row["indexint_id"]))


def agents(base: Base) -> Iterator[AgentRow]:
    for row in base.select("SELECT * FROM authors ORDER BY author_id"):
        kind = said(row, "author_type")
        body = kind in ("71", "72")
        parts = [("a", said(row, "author_name")), ("b", said(row, "author_subdivision" if body else "author_rejete"))]
        if body:
            parts += [("d", said(row, "author_numero")), ("e", said(row, "author_lieu"))]
        parts += [("f", said(row, "author_date"))]
        heading = tuple((code, value.strip()) for code, value in parts if value.strip())
        name = name_of(Field(t="710" if body else "700", s=[list(pair) for pair in heading]))
        if not name:
            continue
        identifiers = {"isni": said(row, "author_isni").strip(), "web": said(row, "author_web").strip()}
        yield AgentRow(
            type=TYPES.get(kind, "person"),
            name=name,
            number=str(row["author_id"]),
            dates=said(row, "author_date").strip(),
            identifiers={scheme: value for scheme, value in identifiers.items() if value},
            see=str(row["author_see"] or ""),
            heading=heading,
            note=said(row, "author_comment").strip(),
        )
