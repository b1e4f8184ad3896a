"""MARC 21 to UNIMARC and back. Pure: fields in, fields out.

What becomes what stands in crosswalk.toml, which a librarian can read (docs/marc21.md shows it as a table). The
modules say the few things that a table cannot:

- `records`: a whole record; agencies, one main heading, kinds of document
- `fields`: one field; names, roles, subject systems, links, other scripts
- `rows`, `table`: which row is for a field
- `titles`, `punctuation`: 245 and 200; ISBD signs
- `coded`: leader and 008, UNIMARC's leader and 100 to 110
- `along`: what the other format has no place for. Nothing is dropped: it goes along, and comes back

Copies (852, and the local 949 and 952) and other local fields (9XX) stay as they are, unless their tag means
something here.

Sources: MARC 21 Format for Bibliographic Data (Library of Congress); UNIMARC Manual, Bibliographic Format (IFLA);
UNIMARC to MARC 21 Conversion Specifications (Library of Congress, 2001).
"""

from catalogue.marc21.records import from_unimarc, to_unimarc

__all__ = ["from_unimarc", "to_unimarc"]
