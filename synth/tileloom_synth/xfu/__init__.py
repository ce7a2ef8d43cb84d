"""Synthesis of the xDecimate unit and of the cores that have it."""
