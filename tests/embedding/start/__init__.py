"""Tests of where runs start."""
