"""Simulation of the systolic array."""
