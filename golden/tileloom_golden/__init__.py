"""Bit-exact reference models in NumPy, written from the specification; nothing of the RTL is imported."""
