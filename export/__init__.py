"""Everything that goes out."""
