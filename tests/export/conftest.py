"""Exports are shared with the tests of engines."""

from tests.export.shared import shared_home

__all__ = ["shared_home"]
