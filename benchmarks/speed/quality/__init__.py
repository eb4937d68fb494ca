"""Quality against seconds: the ways of embedding a photograph, looked at while they run."""
