"""The command line: parsing, progress and tables."""
