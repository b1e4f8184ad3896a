"""What the benchmarks of search share: notices made by rule, questions, and the peers they are put to."""
