"""Every small layer is run: all kinds of edges are among them, and one that stands still is noticed."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from tileloom.engine import design, engine
from tileloom.engine.config import EngineConfig
from tileloom.engine.locks import Lock
from tileloom.errors import CheckError
from tileloom_sim.engine import exhaustive

CONFIG = EngineConfig(m=2, k=2, n=2, bus=64, a_words=64, acc_tiles=16, weight_beats=4)
SOME = 9
"""Every so many layers of all."""


def some(config: EngineConfig) -> list:
    """Return a part of the small layers."""
    return list(islice(exhaustive.small_layers(config), 0, None, SOME))


def test_all_edges_are_there() -> None:
    layers = list(exhaustive.small_layers(replace(CONFIG, m=4, k=3, n=5)))
    assert len(layers) == len(set(layers)) > 6_000
    assert {layer.width for layer in layers} == {1, 4, 5}
    assert {layer.channels for layer in layers} == {1, 3, 4}
    assert {layer.outputs for layer in layers} == {1, 5, 6}
    assert {layer.kernel for layer in layers} == set(exhaustive.KERNELS)
    assert {layer.stride for layer in layers} == {1, 2, 3}
    assert {layer.pads for layer in layers} >= {(0, 0, 0, 0), (2, 0, 1, 0), (0, 1, 0, 2), (2, 2, 2, 2)}


def test_layers_run(seed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    layers = some(CONFIG)
    monkeypatch.setattr(exhaustive, "small_layers", lambda config: iter(layers))
    found = exhaustive.exhaustive(CONFIG, seed[1])
    assert (found.layers, found.runs) == (len(layers), 2 * len(layers))
    assert found.results > 5 * len(layers) and found.cycles > 20 * len(layers)


class NoHalf(Lock):
    """Halves that are never free."""

    def __init__(self, initial: int) -> None:
        super().__init__(0)


def test_one_that_stands_still_is_noticed(seed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    layers = some(CONFIG)
    monkeypatch.setattr(engine, "Lock", NoHalf)
    monkeypatch.setattr(exhaustive, "generate", lambda config: design.generate(config, name="no_half"))
    monkeypatch.setattr(exhaustive, "small_layers", lambda config: iter(layers))
    with pytest.raises(CheckError, match="stands still"):
        exhaustive.exhaustive(CONFIG, seed[1])
