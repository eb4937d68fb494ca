"""How fast things are: suites, what they measure with, and the files that they leave."""
