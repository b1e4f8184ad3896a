"""References: a notice as the citation programs of the world describe it (`items`), laid out in a style (`processor`).

`csl.toml` says what each field becomes, `styles.toml` which styles are offered. Everything that goes out as a
reference starts from `items.cited`: RIS, BibTeX, CSL-JSON, and the bibliographies in HTML, text, Word and PDF.
"""
