"""Measures everything below: speed, the paper's budget, its tables and figures."""
