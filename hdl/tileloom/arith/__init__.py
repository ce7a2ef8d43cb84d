"""Arithmetic of the processing elements: products and sums of floating-point words, each rounded once."""
