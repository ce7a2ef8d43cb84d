"""Simulation of xDecimate: kernels on a RISC-V core."""
