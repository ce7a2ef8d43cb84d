"""A text recogniser on the array: what pruning its transformer's matrices in tiles does to its reading.

    python examples/text_lines.py [CONFIG] [--lines 120] [--prune 0 0.1 0.2 0.3 0.5] [--noise 0.3]

The recogniser is PP-OCRv4's as the package rapidocr-onnxruntime has it: a CNN, two transformer blocks, CTC.
Lines of text are rendered in the DejaVu fonts that come with matplotlib, with noise. The eight matrices of
the transformer go to the array, in FP32 x INT8 by default, by the golden model; the rest stays on the host.

Needs ``pip install '.[examples]'`` and ``pip install --no-deps rapidocr-onnxruntime==1.4.4`` (Apache-2.0),
of which the model alone is used.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
import onnx
from PIL import Image, ImageDraw, ImageFont

from tileloom.config import Config
from tileloom.families import load
from tileloom.scratch import folder as scratch_folder
from tileloom_explore.network.accuracy import text_errors
from tileloom_explore.network.network import Network, read_network
from tileloom_explore.network.prepare import prepare
from tileloom_explore.network.run import run_network
from tileloom_explore.network.sparsity import Sparsity

HEIGHT, WIDTH = 48, 320
"""Of an image, in pixels: what the recogniser was trained on."""

MODEL = "ch_PP-OCRv4_rec_infer.onnx"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Italic")
LICENCE = Path(__file__).parents[1] / "LICENSE"
"""Where words are from."""


@dataclass(frozen=True)
class Reading:
    """Error rates of all lines at one share of tiles pruned, and how many tiles there were."""

    prune: float
    characters: float
    words: float
    tiles: int


def model_path() -> Path:
    """Return where the recogniser is. Raises SystemExit that says what to install."""
    found = importlib.util.find_spec("rapidocr_onnxruntime")
    if found is None or found.origin is None:
        sys.exit("rapidocr-onnxruntime is missing: pip install --no-deps rapidocr-onnxruntime==1.4.4")
    return Path(found.origin).parent / "models" / MODEL


def read() -> tuple[Network, list[str]]:
    """Return the network, the transformer's matrices as its layers, and the characters of its classes."""
    model = onnx.load(model_path())
    (listed,) = (each.value for each in model.metadata_props if each.key == "character")
    # The file has opset 12.
    model = onnx.version_converter.convert_version(model, 13)
    shapes = {"x": (1, 3, HEIGHT, WIDTH)}
    with scratch_folder() as folder:
        path = folder / MODEL
        onnx.save(model, path)
        layers = read_network(path, shapes).layers
        # The last matrix is the classifier's.
        matrices = [layer.name for layer in layers if layer.operator == "MatMul"][:-1]
        host = [layer.name for layer in layers if layer.name not in matrices]
        network = read_network(path, shapes, host=host)
    return network, ["", *listed.split("\n"), " "]


def render(count: int, noise: float, seed: int) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Return images, count x 3 x 48 x 320, -1 to 1, and what they say: two to four words of the licence."""
    rng = np.random.default_rng(seed)
    words = sorted({word for word in LICENCE.read_text(encoding="utf-8").split() if word.isalpha()})
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    images, texts = [], []
    while len(texts) < count:
        text = " ".join(rng.choice(words, int(rng.integers(2, 5))))
        font = ImageFont.truetype(str(fonts / f"{rng.choice(FONTS)}.ttf"), int(rng.integers(26, 36)))
        left, top, right, bottom = (round(each) for each in font.getbbox(text))
        width = right - left + 8
        if width > WIDTH or bottom - top > HEIGHT - 4:
            continue
        page = Image.new("L", (width, HEIGHT), 255)
        place = (4 - left, (HEIGHT - bottom - top) / 2)
        ImageDraw.Draw(page).text(place, text, fill=int(rng.integers(0, 120)), font=font)
        grey = np.asarray(page, np.float32) / 127.5 - 1
        grey = np.clip(grey + rng.normal(0, 2 * noise, grey.shape), -1, 1)
        # Right of the text an image is filled with 0, as the recogniser's own package does it.
        filled = np.pad(grey, ((0, 0), (0, WIDTH - width)))
        images.append(np.repeat(filled[None], 3, axis=0).astype(np.float32))
        texts.append(text)
    return np.stack(images), texts


def recognise(
    config: Config, prunes: Sequence[float], count: int, noise: float, seed: int = 1
) -> tuple[Reading, list[Reading]]:
    """Return the error rates of the float model, and those on hardware for each share of tiles pruned."""
    network, characters = read()
    images, texts = render(count, noise, seed)
    batches = [{"x": image[None]} for image in images]

    measure = text_errors(characters)

    def rates(scores: npt.NDArray[np.float32], prune: float, tiles: int) -> Reading:
        found = measure(scores, np.array(texts))
        assert isinstance(found, Mapping)
        return Reading(prune, *found.values(), tiles)

    readings = []
    for prune in prunes:
        prepared = prepare(network, config, sparsity=Sparsity("tiles", prune) if prune else None)
        done = run_network(prepared.prepared, config, batches)
        (scores,), (exact,) = done.outputs.values(), done.original.values()
        readings.append(rates(scores, prune, sum(layer.cost.units for layer in done.layers)))
    return rates(exact, 0, 0), readings


def main() -> None:
    """Print the error rates."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("config", nargs="?", default="stream-8x8-int8")
    parser.add_argument("--lines", type=int, default=120)
    parser.add_argument("--prune", type=float, nargs="+", default=[0, 0.1, 0.2, 0.3, 0.5])
    parser.add_argument("--noise", type=float, default=0.3)
    options = parser.parse_args()
    exact, readings = recognise(load(options.config), options.prune, options.lines, options.noise)
    print(f"{options.lines} lines; float model: CER {exact.characters:.2%}, WER {exact.words:.1%}")
    for each in readings:
        print(
            f"{options.config}, {each.prune:.0%} of {each.tiles:,} tiles pruned: "
            f"CER {each.characters:.2%}, WER {each.words:.1%}"
        )


if __name__ == "__main__":
    main()
