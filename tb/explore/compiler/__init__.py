"""Tests of the analytical model."""
