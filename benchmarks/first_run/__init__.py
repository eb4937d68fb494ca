"""A first run on a GPU: what is there, whether it computes rightly, and how fast."""
