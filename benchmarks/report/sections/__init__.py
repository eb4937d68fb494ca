"""The sections of the report, one a file; each is a function from the sources to a `Section`, or None without data."""
