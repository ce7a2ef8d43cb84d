"""Tests of the block-sparse tile engine."""
