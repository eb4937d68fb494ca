"""Fast pieces of the embedding step with backward passes of their own: weights are frozen, so little has to be kept."""
