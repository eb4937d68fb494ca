"""The studies' outcomes as one page that needs nothing beside it."""
