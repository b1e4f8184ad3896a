"""Whoosh as its manual shows it: analysed text fields, its French analyser, its own facets and highlighter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from whoosh import fields, index, qparser, sorting
from whoosh import query as wq
from whoosh.analysis import LanguageAnalyzer

from benchmarks.searching.peers import FACETS, LIMIT, Answer
from benchmarks.searching.questions import Asked
from indexes.grammar import year_range
from indexes.schema import IndexDoc

FIELDS = {"title": 4.0, "more_titles": 2.0, "agents": 2.0, "subjects": 2.0, "abstract": 1.0}


class Whoosh:
    name = "text-book Whoosh"

    def __init__(self, path: Path, _texts: Mapping[int, str]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        analyser = LanguageAnalyzer("fr")
        texts = {name: fields.TEXT(analyzer=analyser, stored=True, field_boost=boost) for name, boost in FIELDS.items()}
        self.schema = fields.Schema(
            id=fields.NUMERIC(stored=True, unique=True),
            **texts,
            theme=fields.KEYWORD(commas=True),
            access=fields.KEYWORD(commas=True),
            kind=fields.ID(sortable=True),
            language=fields.ID(sortable=True),
            year=fields.NUMERIC(sortable=True),
            isbn=fields.ID,
        )
        self.index = index.create_in(str(path), self.schema)
        self._searcher = self.index.searcher()
        self._parser = qparser.MultifieldParser(list(FIELDS), self.schema, fieldboosts=FIELDS)
        self._loose = qparser.MultifieldParser(list(FIELDS), self.schema, fieldboosts=FIELDS, group=qparser.OrGroup)

    def build(self, docs: Iterable[IndexDoc]) -> None:
        writer = self.index.writer(limitmb=256)
        for doc in docs:
            writer.add_document(**self._row(doc))
        writer.commit()
        self._searcher = self.index.searcher()

    @staticmethod
    def _row(doc: IndexDoc) -> dict[str, object]:
        return {
            **{"id": doc.notice_id, "title": doc.title, "more_titles": " ; ".join(doc.more_titles)},
            **{"agents": " ; ".join(doc.agents), "subjects": " ; ".join(doc.subjects), "abstract": doc.abstract},
            **{"theme": ",".join(doc.themes), "access": ",".join(doc.access), "kind": doc.kind},
            **{"language": doc.language, "year": doc.year, "isbn": next(iter(doc.identifiers), None)},
        }

    def ask(self, asked: Asked) -> Answer:
        wanted = self._query(asked)
        facets = sorting.Facets()
        for name in FACETS if asked.facets else ():
            facets.add_facet(name, sorting.FieldFacet(name, allow_overlap=name in ("theme", "access")))
        order = {"sortedby": "year", "reverse": True} if asked.sort == "newest" else {}
        found = self._searcher.search(wanted, limit=LIMIT, groupedby=facets if asked.facets else None, **order)
        if asked.highlights:
            for hit in found:
                hit.highlights("abstract")
        counts = {name: {v: len(ids) for v, ids in found.groups(name).items()} for name in FACETS if asked.facets}
        return Answer(len(found), [hit["id"] for hit in found], counts)

    def known(self, text: str) -> Sequence[int]:
        """All the words; any of them when nothing has them all."""
        found = self._searcher.search(self._parser.parse(text), limit=LIMIT)
        if not len(found):
            found = self._searcher.search(self._loose.parse(text), limit=LIMIT)
        return [hit["id"] for hit in found]

    def _query(self, asked: Asked) -> wq.Query:
        text = asked.text.replace("auteur:", "agents:").replace("theme:", "subjects:")
        if asked.kind == "typo":
            wanted: wq.Query = wq.Or([wq.FuzzyTerm(name, text, maxdist=2, prefixlength=1) for name in FIELDS])
        elif asked.kind == "ISBN":
            wanted = wq.Term("isbn", text)
        else:
            wanted = self._parser.parse(text) if text else wq.Every()
        more: list[wq.Query] = [wq.Term("kind", kind) for kind in asked.filters.get("kind", ())]
        for span in asked.filters.get("year", ()):
            more.append(wq.NumericRange("year", *(year_range(span) or (0, 9999))))
        return wq.And([wanted, *more]) if more else wanted
