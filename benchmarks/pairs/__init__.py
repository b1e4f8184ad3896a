"""Pairs of records of which it is known whether they describe one document: what `benchmarks.matching` measures on."""
