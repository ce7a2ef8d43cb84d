"""Tests of the rooflines."""
