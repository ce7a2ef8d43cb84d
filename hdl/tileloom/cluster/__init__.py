"""A cluster of cores around a banked memory, L1: interconnect, DMA engine and event unit (docs/cluster.md).

After the system of Daghero et al., *Lightweight Software Kernels and Hardware Extensions for Efficient Sparse
DNNs on MCUs*. Nothing is imported here, so that a configuration needs no Amaranth.
"""
