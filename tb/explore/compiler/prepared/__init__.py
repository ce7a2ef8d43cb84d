"""Tests of prepared networks on grids."""
