"""Everything that finds: the search index, how it is kept true and how it is asked.

The only door to it (decision 9): the rest of the house builds an `IndexDoc`, puts rows in the queue and
calls `queries.search`; nothing else knows Whoosh.
"""
