"""The xDecimate functional unit: one instruction loads the activation that a packed N:M offset points at.

The instruction and its unit follow Daghero et al., *Lightweight Software Kernels and Hardware Extensions for
Efficient Sparse Deep Neural Networks on Microcontrollers*. Nothing is imported here, so that a configuration
and the encoding need no Amaranth.
"""
