"""The interface's words in other languages than French, which is the language of the identifiers."""
