"""The studio: a server that shows a page to embed photographs and edit latents with, for one person or a few."""
