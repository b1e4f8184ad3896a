"""tantivy-py: Lucene's kind of engine, in Rust. Its French stemmer after folding, one body and one title field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tantivy as tv

from benchmarks.searching.peers import FACETS, LIMIT, Answer, marked
from benchmarks.searching.questions import Asked
from indexes.analysis import STOP_WORDS
from indexes.grammar import All, Clause, Either, Exact, Phrase, Query, Word, parse, year_range
from indexes.schema import IndexDoc
from indexes.speller import SHORTEST, SLIP

COUNTS = {name: {"terms": {"field": name, "size": 50}} for name in FACETS}
TITLE = 3.0
SHORT = 5  # letters: one edit; beyond, two


def analyser(*, stems: bool) -> tv.TextAnalyzer:
    made = (
        tv.TextAnalyzerBuilder(tv.Tokenizer.regex(r"[\p{L}\p{N}]+"))
        .filter(tv.Filter.lowercase())
        .filter(tv.Filter.ascii_fold())
        .filter(tv.Filter.custom_stopword(sorted(STOP_WORDS)))
    )
    return (made.filter(tv.Filter.stemmer("french")) if stems else made).build()


class Tantivy:
    name = "tantivy"

    def __init__(self, path: Path, texts: Mapping[int, str]) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._texts = path, texts
        self.schema = self._shape()
        self.index = tv.Index(self.schema, str(path))
        self._stems = analyser(stems=True)
        self.index.register_tokenizer("fr", self._stems)
        self.index.register_tokenizer("plain", analyser(stems=False))
        self._writer = self.index.writer(128 << 20, 1)  # one, kept: a second would fail
        self._searcher = self.index.searcher()
        self._read: dict[str, Query] = {}

    @staticmethod
    def _shape() -> tv.Schema:
        made = tv.SchemaBuilder()
        made.add_unsigned_field("id", stored=True, indexed=True, fast=True)
        made.add_text_field("body", tokenizer_name="fr")
        made.add_text_field("title", tokenizer_name="fr")
        made.add_text_field("agents", tokenizer_name="fr")
        made.add_text_field("subjects", tokenizer_name="fr")
        made.add_text_field("plain", tokenizer_name="plain", index_option="basic")
        for name in ("kind", "theme", "language", "access"):
            made.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
        made.add_text_field("exact", tokenizer_name="raw", index_option="basic")
        made.add_unsigned_field("year", indexed=True, fast=True)
        return made.build()

    def _document(self, doc: IndexDoc) -> tv.Document:
        made = tv.Document()
        title = "\n".join((doc.title, *doc.more_titles))
        agents, subjects = "\n".join(doc.agents), "\n".join(doc.subjects)
        body = "\n".join((title, agents, subjects, doc.host_title, doc.abstract, doc.notes))
        made.add_unsigned("id", doc.notice_id)
        for name, text in (("body", body), ("plain", body), ("title", title), ("agents", agents)):
            made.add_text(name, text)
        made.add_text("subjects", subjects)
        for name, values in (("theme", doc.themes), ("access", doc.access), ("exact", doc.identifiers)):
            for value in values:
                made.add_text(name, value)
        made.add_text("kind", doc.kind)
        made.add_text("language", doc.language)
        made.add_unsigned("year", doc.year or 0)
        return made

    def build(self, docs: Iterable[IndexDoc]) -> None:
        for doc in docs:
            self._writer.add_document(self._document(doc))
        self._writer.commit()
        self.reload()

    def reload(self) -> None:
        self.index.reload()
        self._searcher = self.index.searcher()

    def ask(self, asked: Asked) -> Answer:
        query = self._read.get(asked.text) or self._read.setdefault(asked.text, parse(asked.text))
        newest = "year" if asked.sort == "newest" else None
        for wanted in self._queries(query, asked):
            found: Any = self._searcher.search(wanted, limit=LIMIT, order_by_field=newest)
            if found.count:
                break
        ids = [self._searcher.doc(address)["id"][0] for _score, address in found.hits]
        counts = {}
        if asked.facets:
            told = self._searcher.aggregate(wanted, COUNTS)
            counts = {name: {row["key"]: row["doc_count"] for row in told[name]["buckets"]} for name in told}
        if asked.highlights:
            marked(self._texts, ids, query.terms)
        return Answer(found.count or 0, ids, counts)

    def known(self, text: str) -> Sequence[int]:
        """Any of the words, title first; what resembles them where a word is unknown."""
        any_of = []
        for term in self._stems.analyze(text):
            either = [(tv.Occur.Should, self._term("body", term)), self._title(term)]
            if len(term) > 3 and not self._searcher.doc_freq("body", term):
                near = 2 if len(term) > SHORT else 1
                fuzzy = tv.Query.fuzzy_term_query(self.schema, "title", term, distance=near)
                either += [
                    (tv.Occur.Should, tv.Query.boost_query(fuzzy, TITLE / 2)),
                    (tv.Occur.Should, tv.Query.fuzzy_term_query(self.schema, "body", term, distance=near)),
                ]
            any_of.append((tv.Occur.Should, tv.Query.boolean_query(either)))
        found = self._searcher.search(tv.Query.boolean_query(any_of), limit=LIMIT, count=False)
        return [self._searcher.doc(address)["id"][0] for _score, address in found.hits]

    def _queries(self, query: Query, asked: Asked) -> Iterator[tv.Query]:
        """All the words; where no document has them all, what ours does then: what resembles the words that may be
        slips, with the others; then any of the words."""
        yield self._query(query, asked)
        words = [clause for clause in query.positive if isinstance(clause, Word) and not clause.prefix]
        if asked.kind == "typo" or not words or len(query.positive) == 1:
            return
        near = [word for word in words if self._may_be_a_slip(word)]
        if near:
            yield self._query(query, asked, near=near)
        yield tv.Query.boolean_query([(tv.Occur.Should, self._clause(clause, asked)) for clause in query.positive])

    def _may_be_a_slip(self, word: Word) -> bool:
        held = self._searcher.doc_freq("body", self._stem(word))
        return len(word.word) > SHORTEST and held * SLIP <= self._searcher.num_docs + 20 * SLIP

    def _query(self, query: Query, asked: Asked, near: Sequence[Word] = ()) -> tv.Query:
        must = [
            (
                tv.Occur.Must,
                self._fuzzy(clause, 1) if isinstance(clause, Word) and clause in near else self._clause(clause, asked),
            )
            for clause in query.positive
        ]
        if asked.sort == "relevance":
            must += [self._title(t) for c in query.positive if isinstance(c, Word) for t in self._stems.analyze(c.word)]
        for kind in asked.filters.get("kind", ()):
            must.append((tv.Occur.Must, self._term("kind", kind)))
        for span in asked.filters.get("year", ()):
            first, last = year_range(span) or (0, 9999)
            years = tv.Query.range_query(self.schema, "year", tv.FieldType.Unsigned, first, last)
            must.append((tv.Occur.Must, years))
        return tv.Query.boolean_query(must) if must else tv.Query.all_query()

    def _clause(self, clause: Clause, asked: Asked) -> tv.Query:
        if isinstance(clause, Either):
            return tv.Query.boolean_query([(tv.Occur.Should, self._clause(one, asked)) for one in clause.options])
        if isinstance(clause, All):
            return tv.Query.boolean_query([(tv.Occur.Must, self._clause(one, asked)) for one in clause.clauses])
        field = clause.parts[0] if not isinstance(clause, Exact) and clause.parts else "body"
        if isinstance(clause, Exact):
            return self._term("exact", clause.key[1:])
        if isinstance(clause, Phrase):
            terms: list[str | tuple[int, str]] = [
                (at, self._stem(w)) for at, w in zip(clause.distances, clause.words, strict=True)
            ]
            return tv.Query.phrase_query(self.schema, field, terms)
        if clause.prefix:
            return tv.Query.regex_query(self.schema, "plain", f"{clause.word}.*")
        if asked.kind == "typo":
            return self._fuzzy(clause, 2 if len(clause.word) > SHORT else 1)
        return self._term(field, self._stem(clause))

    def _fuzzy(self, word: Word, distance: int) -> tv.Query:
        return tv.Query.fuzzy_term_query(self.schema, "body", self._stem(word), distance=distance)

    def _stem(self, word: Word) -> str:
        return next(iter(self._stems.analyze(word.word)), word.word)

    def _term(self, field: str, term: str) -> tv.Query:
        return tv.Query.term_query(self.schema, field, term)

    def _title(self, term: str) -> tuple[tv.Occur, tv.Query]:
        return tv.Occur.Should, tv.Query.boost_query(self._term("title", term), TITLE)
