"""Published networks: a quantised one beside ONNX Runtime, a recogniser's text from the pruned array."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tileloom.families import load

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(name: str, package: str, version: str) -> ModuleType:
    """Return an example as a module; the test is skipped where its network is not installed."""
    if importlib.util.find_spec(package.removesuffix("-ai").replace("-", "_")) is None:
        pytest.skip(f"needs pip install --no-deps {package}=={version}")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def smart_turn() -> ModuleType:
    return example("smart_turn", "pipecat-ai", "1.14.0")


def text_lines() -> ModuleType:
    return example("text_lines", "rapidocr-onnxruntime", "1.4.4")


def test_every_quantised_layer_is_onnx_runtimes_to_a_step() -> None:
    done = list(smart_turn().compare(load("engine-int8")))
    assert len(done) == 31 and sum(each.results for each in done) == 6_093_521
    assert max(each.largest for each in done) == 1
    # Of each layer too: where the zero point is in the bias, a result in a thousand is on the other side.
    assert all(each.different <= 0.001 * each.results for each in done)
    assert sum(each.different for each in done) < 0.0005 * 6_093_521


def test_with_zero_points_in_hardware_the_rest_is_the_scale() -> None:
    exact = load("engine-int8", result_zero_point=True, requantise_rounding="half-even")
    done = list(smart_turn().compare(exact))
    assert len(done) == 31 and max(each.largest for each in done) == 1
    assert sum(each.different for each in done) < 0.0001 * 6_093_521


def test_layers_of_it_run_in_rtl() -> None:
    done = list(
        smart_turn().compare(load("engine-int8"), ["node_linear_2[678]", "node_MatMul_296"], simulate=True)
    )
    assert [each.simulated for each in done] == [400, 256, 64, 1]


def test_lines_are_read_from_the_array_and_pruning_tells() -> None:
    """The array reads two lines without noise; with nine tenths of the tiles pruned, not every word."""
    exact, (whole, rest) = text_lines().recognise(load("stream-8x8-int8"), (0, 0.9), 2, 0.0)
    # Two blocks of 120 x 360, 120 x 120, 120 x 240 and 240 x 120.
    assert whole.tiles == rest.tiles == 2 * (15 * 45 + 15 * 15 + 15 * 30 + 30 * 15)
    assert whole.characters == exact.characters == 0 and whole.words == 0
    assert rest.words > 0.2


@pytest.mark.long
def test_error_rates_grow_with_the_tiles_pruned() -> None:
    exact, readings = text_lines().recognise(load("stream-8x8-int8"), (0, 0.3, 0.7), 24, 0.3)
    rates = [each.words for each in readings]
    print(f"float {exact}, array {readings}")
    assert exact.words < 0.2 and abs(rates[0] - exact.words) < 0.05
    assert rates[2] > rates[1] >= rates[0] and rates[2] > exact.words + 0.1
