"""What one ranking of all feed-forward tiles leaves of each layer of a trained encoder.

    python examples/pruned_encoder.py smart-turn -o smart_turn.json
    python examples/pruned_encoder.py recogniser -o recogniser.json

All tiles of the feed-forward matrices are ranked together by their L1 norm, for tiles of 4 x 4 to 32 x 32
and shares of 10 to 60 %, and the tiles that are left of each matrix are counted. The encoders are that of
smart-turn v3.2, which hears whether a speaker has finished (``smart_turn.py``), and the one in PP-OCRv4's
text recogniser (``text_lines.py``); what each needs is said there. ``tileloom paper sasp fig7`` prints it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tileloom_explore.network.network import read_network
from tileloom_explore.network.sparsify import sparsify
from tileloom_explore.network.sparsity import Sparsity
from tileloom_explore.paper.sasp.arrays import SIZES
from tileloom_explore.paper.sasp.encoder import FEED_FORWARD, Encoder
from tileloom_explore.paper.sasp.layer_masks import LayerMasks, Point, left_of
from tileloom_explore.paper.sasp.quality import SHARES

Matrices = dict[str, npt.NDArray[Any]]


def smart_turn() -> tuple[str, Encoder, Matrices]:
    """Return the name and shape of smart-turn's encoder, and its feed-forward matrices in order, K x N."""
    import smart_turn as model

    encoder = Encoder(blocks=4, width=384, heads=6, hidden=1536, sequence=400)
    layers = read_network(model.model_path(), dict([model.INPUT])).layers
    return "smart-turn v3.2, encoder", encoder, _matrices(layers, encoder)


def recogniser() -> tuple[str, Encoder, Matrices]:
    """Return the same of the text recogniser's."""
    import text_lines as model

    encoder = Encoder(blocks=2, width=120, heads=8, hidden=240, sequence=40)
    network, _ = model.read()
    return "PP-OCRv4 recogniser, encoder", encoder, _matrices(network.layers, encoder)


NETWORKS = {"smart-turn": smart_turn, "recogniser": recogniser}


def _matrices(layers: Any, encoder: Encoder) -> Matrices:
    """Return the matrices between ``width`` and ``hidden``: two for each block, in order."""
    shapes = {(encoder.width, encoder.hidden), (encoder.hidden, encoder.width)}
    found = {}
    for layer in layers:
        scale = 1.0 if layer.quantisation is None else layer.quantisation.weight.scale
        found[layer.name] = layer.weight_values.reshape(len(layer.weights), -1).T * scale
    found = {name: each for name, each in found.items() if each.shape in shapes}
    assert len(found) == 2 * encoder.blocks, list(found)
    return found


def main() -> None:
    """Rank, count, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    name, encoder, matrices = NETWORKS[options.network]()
    names = [each.name for each in encoder.products if each.layer == FEED_FORWARD]
    points = []
    for size in SIZES:
        for share in SHARES[1:]:
            done = sparsify(matrices, Sparsity("tiles", share=share), (size, size))
            left = [left_of(np.asarray(each.kept)) for each in done.values()]
            blocks = [
                dict(zip(names, left[index : index + 2], strict=True)) for index in range(0, len(left), 2)
            ]
            points.append(Point(size, share, tuple(blocks)))
    command = f"python examples/pruned_encoder.py {options.network}"
    kept = LayerMasks(name, command, encoder, tuple(points))
    options.output.write_text(kept.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
