"""Batches of edits: latents x variants through a pipeline that keeps the engine busy and loses nothing."""
