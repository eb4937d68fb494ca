"""Recipes of edits: TOML files, what their steps mean, and messages that name the line at fault."""
