"""The embedding: Algorithm 1 of the paper, its objective, and the record of a run."""
