"""Tests of depth-wise tiling."""
