"""Synthesis of the block-sparse tile engine."""
