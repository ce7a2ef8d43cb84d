"""Tests of the serial line."""
