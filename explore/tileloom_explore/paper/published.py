"""What others have published of block-sparse networks, to stand beside our estimates.

Table "Execution Time estimates" of "Weight Block Sparsity: Training, Compilation, and AI Engine Accelerators"
(arXiv 2407.09453), as in the authors' source of it: github.com/paolodalberto/BlockSparsityyTraning,
BlockSparse/micro2024/main.tex, commit 89eeddac. They assume 4 x 8 x 8 operations a cycle in each core at
1 GHz, cores that share memory tiles, half of the blocks missing in all convolutions but the first, and count
all communication with DDR.
"""

SECONDS: dict[str, dict[int, tuple[float | None, float | None]]] = {
    "ResNet-50": {
        2: (2.492347e-02, 1.582626e-02),
        3: (1.269543e-02, 8.661490e-03),
        4: (1.077318e-02, 7.064918e-03),
        5: (None, 4.303485e-03),
        6: (5.712521e-03, 4.490127e-03),
        7: (4.205991e-03, 3.212234e-03),
        8: (6.376768e-03, 4.602027e-03),
    },
    "VGG-16": {
        2: (4.476212e-02, 2.608593e-02),
        3: (2.53343e-02, 1.002015e-02),
        4: (1.371000e-02, 8.852128e-03),
        5: (None, 4.336479e-03),
        6: (None, 5.770197e-03),
        7: (7.455440e-03, 5.288551e-03),
        8: (9.203393e-03, 6.502333e-03),
    },
    "Inception-v3": {
        2: (4.283837e-02, 2.440544e-02),
        3: (2.386600e-02, 1.422390e-02),
        4: (1.740967e-02, 1.012540e-02),
        5: (9.690552e-03, None),
        6: (1.063962e-02, 6.439692e-03),
        7: (8.727651e-03, None),
        8: (9.093276e-03, 5.666152e-03),
    },
}
"""For each network and side of a square of cores: dense and half-sparse; None is a cell that failed there."""


def published_ratio(network: str, side: int) -> float | None:
    """Return the published time, sparse to dense; None where there is none, or one of the two failed."""
    dense, sparse = SECONDS.get(network, {}).get(side, (None, None))
    return None if dense is None or sparse is None else sparse / dense


DEPTH_SECONDS: dict[tuple[int, float], float] = {
    (1, 0.0): 0.025,
    (3, 0.0): 0.024,
    (2, 0.0): 0.022,
    (1, 0.5): 0.021,
    (2, 0.5): 0.014,
}
"""Section "Depth-Wise Tiling for VGG16 3x3": by tiles and sparsity, of "the part that requires DDR spills for
each layer", with DDR 16 times slower."""
