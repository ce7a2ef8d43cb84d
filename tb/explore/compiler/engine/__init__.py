"""Tests of programs on our engines."""
