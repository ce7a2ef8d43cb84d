"""Layers on a core with the xDecimate unit."""
