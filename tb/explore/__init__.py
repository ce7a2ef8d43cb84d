"""Tests of networks and tables."""
