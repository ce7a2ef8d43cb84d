"""Bit-exact reference models, written from the specification and never from the RTL.

The package imports NumPy and bitstring and nothing of Tileloom's other packages: a bench translates a
configuration into plain arguments. Modules, from the bottom up: `formats` (number formats), `checks`
(of arguments), `kernels` (the arithmetic on blocks), `arithmetic` (multiply, add), `words` (values to
words and back), `quantise`, `tiles`, `prune`, `gemm`, `packing` (bus words); for xDecimate `xdecimate`
(the instruction), `nm_sparsity` and `nm_packing` (1:M matrices), `nm_layers` (INT8 layers) and
`nm_kernels` (layers by instructions); for the block-sparse engine `block_sparse` and `block_masks` (the
format), `block_convolution` and `requantise` (the arithmetic), `engine_layer`, `engine_program`, `engine_cut`
and `engine_streams` (from a layer to streams), `engine_model` (which executes commands), `engine_clock` and
`engine_cycles` (cycles), `networks`, `engine_grid` and `published` (networks on grids of engines).
"""
