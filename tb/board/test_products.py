"""Products on simulated boards: every family, over lines that damage bits and through resets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from board.small import made, small
from tileloom.errors import CheckError, UserError
from tileloom_sim.board.run import multiply
from tileloom_sim.board.simulated import Disturbance

pytestmark = pytest.mark.xdist_group("boards")


def matrices(rng, m, k, n):
    x = (rng.standard_normal((m, k)) * 4).astype(np.float32)
    w = rng.standard_normal((k, n)).astype(np.float32)
    w[: k // 2, : n // 2] = 0  # tiles that are left out
    return x, w


def integers(rng, m, k, n):
    return rng.integers(-128, 128, (m, k)).astype(np.int8), rng.integers(-127, 128, (k, n)).astype(np.int8)


def product(rng, board, *sizes):
    of = (
        integers
        if board.board.family == "engine" and board.board.config["core"] == "dot-product"
        else matrices
    )
    x, w = of(rng, *sizes)
    return multiply(board, activations=x, weights=w, layout="KN")


@pytest.mark.parametrize(("name", "m"), [("stream", 23), ("registers", 23), ("word", 23), ("engine", 123)])
def test_a_product_of_many_runs(name, m, rng):
    """Sizes that are no multiple of anything; each result is the golden model's, or there is an error."""
    with small(name) as (_, board):
        result = product(rng, board, m, 17, 19)
    figures = result.figures
    assert result.values.shape == (m, 19)
    assert figures["requests_again"] == figures["answers_damaged"] == figures["resets"] == 0
    if name == "engine":
        assert figures["programs"] > 1 and figures["busy_cycles"] > m * 17 * 19 / 4
    else:
        assert figures["runs"] > 5 and figures["tiles_skipped"] > 0
        blocks = figures["tiles_done"] // (figures["tiles"] - figures["tiles_skipped"])
        assert blocks * (figures["tiles"] - figures["tiles_skipped"]) == figures["tiles_done"] > 0
        assert figures["busy_cycles"] > figures["tiles_done"] * m // blocks


@pytest.mark.parametrize("name", ["registers", "engine"])
def test_bit_errors_and_a_reset_in_the_middle_change_no_result(name, rng):
    wrong = Disturbance(errors=2e-4, seed=int(rng.integers(1 << 30)))
    with small(name, wrong) as (_, board):
        begin = board.line.cycles
        whole = product(np.random.default_rng(5), board, 9, 8, 11)
        middle = (begin + board.line.cycles) // 2
    with small(name, replace(wrong, reset=middle)) as (_, board):
        again = product(np.random.default_rng(5), board, 9, 8, 11)
    assert (again.values == whole.values).all()
    assert again.figures["resets"] == 1 and again.figures["requests_again"] > 0


def test_an_engine_adds_a_bias_and_scales(rng):
    """Results by the formula of requantisation, of which the golden model has its own."""
    x, w = integers(rng, 9, 8, 11)
    bias, shift = rng.integers(-5000, 5000, 11), rng.integers(8, 12, 11)
    scale = rng.integers(1, 50, 11)
    numbers = {"bias": bias, "scale": scale, "shift": shift}
    with small("engine") as (config, board):
        result = multiply(board, activations=x, weights=w, layout="KN", **numbers)
        with pytest.raises(UserError, match="--zero-point: is for an engine with result_zero_point"):
            multiply(board, activations=x, weights=w, layout="KN", zero_point=shift, **numbers)
    assert config.requantise_rounding.value == "half-away"
    products = (x.astype(np.int64) @ w + bias) * scale
    rounded = np.sign(products) * ((np.abs(products) + (1 << shift >> 1)) >> shift)
    assert (result.values == np.clip(rounded, -128, 127)).all()


def test_an_array_has_no_bias(rng):
    x, w = matrices(rng, 2, 2, 2)
    with small("stream") as (_, board), pytest.raises(UserError, match="--bias: the systolic array on"):
        multiply(board, activations=x, weights=w, layout="KN", bias=w[0])


def test_a_wrong_word_is_told(monkeypatch, rng):
    """What the hardware gives is compared: here one word of what is read is not what it gave."""
    with small("stream") as (_, board):
        read = board.bus.read

        def damaged(address, size):
            found = read(address, size)
            return found if address >> 28 != 6 else bytes([found[0] ^ 1]) + found[1:]

        monkeypatch.setattr(board.bus, "read", damaged)
        with pytest.raises(CheckError, match=r"Y\[0, 0\] is [0-9a-f]{4}, the golden model has"):
            product(rng, board, 3, 4, 5)


def test_a_run_of_fewer_tiles_is_told(monkeypatch, rng):
    with small("stream") as (_, board):
        write = board.bus.write

        def fewer(address, content):
            shorter = (1).to_bytes(4, "little") + content[4:] if address == 2 << 28 | 8 else content
            write(address, shorter)

        monkeypatch.setattr(board.bus, "write", fewer)
        with pytest.raises(CheckError, match=r"the board: 1 of [0-9]+ tiles were done"):
            product(rng, board, 3, 9, 5)


@pytest.mark.long
@pytest.mark.parametrize("name", ["stream", "registers", "word", "engine", "systolic engine"])
def test_products_of_any_size(name, rng):
    with small(name, Disturbance(errors=1e-5, seed=int(rng.integers(1 << 30)))) as (_, board):
        for _ in range(20):
            m, k, n = (int(size) for size in rng.integers(1, 40, size=3))
            assert product(rng, board, m, k, n).values.shape == (m, n)


def test_the_boards_are_small():
    """Else the tests above would say nothing of many runs."""
    for name in ("stream", "word"):
        _, board, _ = made(name)
        assert max(board.sizes.values()) <= 64
