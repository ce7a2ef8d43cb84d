"""Synthesis of the systolic array."""
