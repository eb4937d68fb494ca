"""The graphs, one adapter a file."""
