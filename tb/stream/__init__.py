"""Tests of what the streams of all families share."""
