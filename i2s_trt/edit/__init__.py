"""Editing in the latent space (the paper's section 4)."""
