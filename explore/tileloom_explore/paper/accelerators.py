"""Published figures of sparse accelerators, beside which the analytical model is set.

Sources: the exercises of timeloop-accelergy (dot products and the sparse product), the artifact of Sparseloop
(MICRO 2022) for Eyeriss v2, Eyeriss and the dual-side tensor core.
"""

DOT_PRODUCTS = {
    "dense": (16, 16, 7954.55),
    "gating": (16, 4, 3366.62),
    "skipping": (4, 4, 655.50),
}
"""Cycles, computes, fJ per algorithmic compute."""

SPARSE_PRODUCT = (64, 64, 898.79)
"""The same of the 8 x 8 x 8 product."""

EYERISS_V2 = {
    "7": (1_592_245, 1_702_140, 4.99),
    "9": (1_479_114, 1_499_682, 3.76),
    "13": (1_114_139, 1_144_158, 3.00),
    "19": (1_407_304, 1_457_458, 4.31),
    "21": (1_610_668, 1_677_684, 4.76),
    "23": (1_791_135, 1_821_557, 5.23),
    "25": (927_185, 948_572, 2.71),
    "27": (729_915, 775_316, 2.76),
}
"""By layer of MobileNet: cycles of Sparseloop, cycles of the design's own simulator, uJ of Sparseloop."""

EYERISS = {
    "conv1": (1.24, 2_838_528),
    "conv2": (1.36, 4_128_768),
    "conv3": (1.70, 1_916_929),
    "conv4": (1.87, 1_437_697),
    "conv5": (1.94, 958_464),
}
"""By layer of AlexNet: compression of DRAM traffic, cycles."""

DUAL_SIDE = {
    "A 1.0, B 1.0": 4600,
    "A 1.0, B 0.4": 2500,
    "A 0.9, B 1.0": 4160,
    "A 0.9, B 0.4": 2300,
    "A 0.7, B 1.0": 3300,
    "A 0.7, B 0.4": 1820,
    "A 0.5, B 1.0": 2690,
    "A 0.5, B 0.4": 1480,
    "A 0.3, B 1.0": 1930,
    "A 0.3, B 0.4": 1100,
}
"""Latency of the dual-side tensor core by its own simulator at these densities; only ratios count."""

DUAL_SIDE_ERROR = 0.076
"""Mean error that Sparseloop reports for the normalised latencies."""
