"""Bit-exact reference models, written from the specification and never from the RTL.

The package imports NumPy and bitstring and nothing of Tileloom's other packages: a bench translates a
configuration into plain arguments. What the families share, from the bottom up: `formats` (number formats),
`checks` (of arguments), `rounding` (the arithmetic on blocks), `arithmetic` (multiply, add), `words` (values
to words and back), `integers` (sign-magnitude, INT8 with INT32 sums). Then a room for each family:

- `systolic`: `quantise`, `tiles`, `prune`, `packing` (bus words), `gemm` (the product, as the array adds).
- `xfu`: `xdecimate` (the instruction), `sparsity` and `packing` (1:M matrices), `layers` (INT8 layers),
  `kernels` (layers by instructions).
- `engine`: `sparse`, `compressed` and `masks` (block-sparse weights), `convolution` and `requantise` (the
  arithmetic), `layer`, `program`, `cut` and `streams` (from a layer to streams), `model` (executes commands).

`estimate` counts cycles, in a room of its own: models of time, not of values.
"""
