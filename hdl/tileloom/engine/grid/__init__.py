"""Grids of engines."""
