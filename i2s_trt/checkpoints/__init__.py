"""Reading other people's checkpoints safely, and the project's own model store."""
