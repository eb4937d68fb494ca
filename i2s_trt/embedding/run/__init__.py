"""A run on files: its results and snapshots, and how it goes on after it was broken off."""
