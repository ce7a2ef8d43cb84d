"""Layers on a block-sparse engine."""
