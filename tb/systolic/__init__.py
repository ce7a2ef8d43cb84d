"""Benches of the systolic array."""
