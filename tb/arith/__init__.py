"""Tests of arithmetic: golden model and hardware."""
