"""What `benchmarks.search` and `benchmarks.known` share: notices made by rule, questions, and the peers they are put to."""
