"""Where a run starts: the spaces, the mean, a latent or an encoder's guess, and how far faces lie from the mean."""
