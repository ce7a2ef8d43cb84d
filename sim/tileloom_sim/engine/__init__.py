"""Simulation of the block-sparse tile engine."""
