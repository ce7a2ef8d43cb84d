"""Error rates of a text recogniser over the tiles that are pruned in its feed-forward matrices.

    python examples/pruned_text.py -o text.json [--lines 120] [--noise 0.3] [--seed 1]

The recogniser, its lines of text and what they need are those of ``text_lines.py``. All eight matrices of its
two transformer blocks go to the arrays of the SASP paper, 4 x 4 to 32 x 32 with FP32 and INT8 weights, in the
golden model's arithmetic; of the four of the feed-forward layers the tiles with the smallest L1 norm are
pruned, all ranked together, without training again. 8 x 8 is computed in the other rounding and in float64,
too, and with INT8 weights each with attention's products on the array. The file, which ``tileloom paper sasp
fig8`` prints, is written after each batch of lines.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import text_lines

from tileloom_explore.network.accuracy import character_error_rate, ctc_text, word_error_rate
from tileloom_explore.network.sweep import sweep
from tileloom_explore.paper.sasp.measure import Key, grid, points
from tileloom_explore.paper.sasp.quality import Quality

FEED_FORWARD = ("p2o.MatMul.8", "p2o.MatMul.10", "p2o.MatMul.20", "p2o.MatMul.22")
BATCH = 40
"""Lines at a time: their scores, 40 x 6,625 each, are most of the memory."""


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--lines", type=int, default=120)
    parser.add_argument("--noise", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    network, characters = text_lines.read()
    images, texts = text_lines.render(options.lines, options.noise, options.seed)
    keys = {variant: key for key, variant in grid().items()}
    batches = [{"x": images[begin : begin + BATCH]} for begin in range(0, len(images), BATCH)]
    read: dict[Key, list[str]] = defaultdict(list)

    def errors(found: Sequence[str]) -> dict[str, float]:
        wanted = [text.strip() for text in texts[: len(found)]]
        rates = {"character": character_error_rate(found, wanted), "word": word_error_rate(found, wanted)}
        return {f"{name} error rate": rate for name, rate in rates.items()}

    for done, (variant, outputs) in enumerate(sweep(network, list(keys), batches, FEED_FORWARD), 1):
        (scores,) = outputs.values()
        read[keys[variant]] += [ctc_text(each, characters).strip() for each in scores]
        print(f"\r{done} of {len(keys) * len(batches)}", end="", file=sys.stderr, flush=True)
        if done % len(keys) == 0:
            lines = len(read[keys[variant]])
            command = f"python examples/pruned_text.py --lines {lines} --noise {options.noise:g}"
            name = "PP-OCRv4 recogniser, feed-forward matrices 4 of 120 x 240"
            seed = f" --seed {options.seed}"
            original = errors(read[8, "fp32", 0.0, "float64", False])
            kept = Quality(name, command + seed, lines, "word error rate", original, points(read, errors))
            options.output.write_text(kept.text(), encoding="utf-8")
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
