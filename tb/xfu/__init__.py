"""Benches of the xDecimate unit and its core adapters."""
