"""A quantised speech model on the engine: each of its INT8 layers against ONNX Runtime, result by result.

    python examples/smart_turn.py [CONFIG] [--set FIELD=VALUE ...] [--layers PATTERN ...] [--simulate]

The model is smart-turn v3.2 of pipecat-ai, which hears whether a speaker has finished: an encoder of four
blocks, 384 wide, its layers INT8 with a scale for each output channel and UINT8 activations. ONNX Runtime
computes the whole network with its graph as it is; every layer then gets the very activations that it had
there, on the engine's golden model, and with --simulate in RTL too.

Needs ``pip install '.[examples]'`` and ``pip install --no-deps pipecat-ai==1.14.0`` (BSD-2), of which the
model alone is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from tileloom.config import Config
from tileloom.families import load
from tileloom_explore.network.layer import NetworkLayer
from tileloom_explore.network.mapping import map_layer
from tileloom_explore.network.network import read_network
from tileloom_explore.network.sparsity import select

MODEL = Path("audio") / "turn" / "smart_turn" / "data" / "smart-turn-v3.2-cpu.onnx"
INPUT = ("input_features", (1, 80, 800))
"""Log-mel features of eight seconds: bands x frames of 10 ms."""


@dataclass(frozen=True)
class Compared:
    """A layer's results beside ONNX Runtime's.

    Attributes
    ----------
    layer:
        Its name.
    results, different, largest:
        How many, how many of them differ, and by how much at most, in steps of the results.
    simulated:
        Words that were equal in RTL; 0 if it did not run.
    """

    layer: str
    results: int
    different: int
    largest: int
    simulated: int


def model_path() -> Path:
    """Return where the model is. Raises SystemExit that says what to install."""
    found = importlib.util.find_spec("pipecat")
    if found is None or not found.submodule_search_locations:
        sys.exit("pipecat-ai is missing: pip install --no-deps pipecat-ai==1.14.0")
    return Path(found.submodule_search_locations[0]) / MODEL


def features(seed: int = 1) -> npt.NDArray[np.float32]:
    """Return features such as speech has: a few moving formants over noise, pauses between; 1 x 80 x 800."""
    rng = np.random.default_rng(seed)
    _, bands, frames = INPUT[1]
    time, band = np.arange(frames), np.arange(bands)[:, None]
    voiced = np.repeat(rng.random(frames // 20) < 0.7, 20)
    power = rng.normal(-1, 0.2, (bands, frames))
    for _ in range(4):
        centre = rng.uniform(5, 70) + 6 * np.sin(2 * np.pi * time / rng.uniform(60, 300) + rng.uniform(0, 6))
        power += 1.5 * voiced * np.exp(-(((band - centre) / rng.uniform(2, 5)) ** 2))
    return power[None].astype(np.float32)


def tensors(names: Sequence[str], inputs: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    """Return tensors inside of the network as ONNX Runtime has them, no operators fused."""
    model = onnx.load(model_path())
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return dict(zip(names, session.run(list(names), {INPUT[0]: inputs}), strict=True))


def compare(config: Config, patterns: Sequence[str] = (), *, simulate: bool = False) -> Iterator[Compared]:
    """Yield what came of each layer on an engine, its activations those of ONNX Runtime."""
    layers = read_network(model_path(), dict([INPUT])).layers
    integers = {layer.name: layer for layer in layers if layer.quantisation is not None}
    chosen = [integers[name] for name in select(integers, patterns)]
    ends = sorted({name for layer in chosen for name in (layer.input, layer.output)})
    found = tensors(ends, features())
    for layer in chosen:
        yield _compared(config, layer, found[layer.input], found[layer.output], simulate=simulate)


def _compared(
    config: Config, layer: NetworkLayer, x: npt.NDArray[Any], y: npt.NDArray[Any], *, simulate: bool
) -> Compared:
    mapping = map_layer(config, layer)
    image = layer.image(x)
    results = layer.tensor(mapping.compute(image), x.shape)
    steps = np.abs(_steps(layer, results) - _steps(layer, y))
    simulated = mapping.simulate(image).compared if simulate else 0
    return Compared(layer.name, steps.size, int(np.count_nonzero(steps)), int(steps.max()), simulated)


def _steps(layer: NetworkLayer, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return results as integers: INT8 as they are, real sums in steps of both scales' product."""
    assert layer.quantisation is not None
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    y = layer.quantisation.y
    if y is not None:
        return y.quantise(values)
    return np.rint(layer.image(values) / layer.quantisation.sum_scale).astype(np.int64)


def main() -> None:
    """Print a line for each layer, and all together."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("config", nargs="?", default="engine-int8")
    parser.add_argument("--set", nargs="+", default=[], metavar="FIELD=VALUE", dest="fields")
    parser.add_argument("--layers", nargs="+", default=[], metavar="PATTERN")
    parser.add_argument("--simulate", action="store_true", help="run the layers in RTL too")
    options = parser.parse_args()
    config = load(options.config, **dict(field.split("=", 1) for field in options.fields))
    done = []
    for each in compare(config, options.layers, simulate=options.simulate):
        done.append(each)
        differ = f"{each.different:,} of {each.results:,} results differ, by {each.largest} at most"
        rtl = f"; {each.simulated:,} words equal in RTL" if options.simulate else ""
        print(f"{each.layer}: {differ}{rtl}")
    results, different = sum(each.results for each in done), sum(each.different for each in done)
    print(f"{len(done)} layers, {results:,} results: {different:,} differ, {different / results:.4%}")


if __name__ == "__main__":
    main()
