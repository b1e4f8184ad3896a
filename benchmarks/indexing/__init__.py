"""Records that librarians have indexed, for `benchmarks.subjects`."""
