"""Layers on a systolic array."""
