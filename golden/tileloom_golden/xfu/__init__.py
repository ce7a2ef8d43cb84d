"""Golden models of xDecimate: the instruction, packed N:M matrices, kernels and layers."""
