"""Depth-wise tiling: a sub-graph computed tile by tile, so that what is between its nodes stays on chip."""
