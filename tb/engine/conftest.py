"""What tests of engines share: a design is generated once in a process, however many layers run on it."""

import functools

import pytest

from tileloom.engine.design import generate

_generated = functools.cache(generate)


@pytest.fixture
def generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``simulate`` take a design that it has generated before."""
    monkeypatch.setattr("tileloom_sim.engine.simulate.generate", _generated)
