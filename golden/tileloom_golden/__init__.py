"""Bit-exact reference models, written from the specification and never from the RTL.

The package imports NumPy and bitstring and nothing of Tileloom's other packages: a bench translates a
configuration into plain arguments. Modules, from the bottom up: `formats` (number formats), `checks`
(of arguments), `kernels` (the arithmetic on blocks), `arithmetic` (multiply, add), `words` (values to
words and back), `quantise`, `tiles`, `prune`, `gemm`, `packing` (bus words).
"""
