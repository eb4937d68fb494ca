"""Portraits drawn from known factors, feature by feature."""
