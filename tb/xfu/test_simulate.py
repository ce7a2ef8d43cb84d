"""The kernel suite as a function: what it returns, and what it refuses."""

from typing import Any

import pytest

from tileloom.errors import CheckError, UserError
from tileloom.xfu.config import XfuConfig
from tileloom_golden.xfu import layers as golden_layers
from tileloom_sim.xfu.simulate import simulate


def test_every_kernel_on_every_layer() -> None:
    seen: list[tuple[int, int, int]] = []
    run = simulate(
        XfuConfig(group_sizes=(8,)),
        convolution=(8,),
        connected=(16,),
        rows=3,
        progress=lambda *numbers: seen.append(numbers),
    )
    assert len(run.measurements) == 2 * 4
    assert all(0 < item.instructions <= item.cycles for item in run.measurements)
    assert seen[0] == (0, 8, 0)
    assert seen[-1][:2] == (8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"core": "ibex"}, "core: must be one of cv32e40p, cv32e40x, not 'ibex'"),
        ({"convolution": (10,)}, "convolution 10: 90 weights are not a multiple of 4"),
        ({"connected": (32, 40)}, "connected 40: 40 weights are not a multiple of 16"),
        ({"connected": (0,)}, "connected: must be positive integers, not 0"),
        ({"rows": 0}, "rows: must be at least 1, not 0"),
        ({"jobs": -1}, "jobs: must be at least 1, not -1"),
    ],
)
def test_wrong_input_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}$"):
        simulate(**arguments)


def test_a_wrong_word_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = golden_layers.fully_connected

    def wrong(*arguments: Any) -> Any:
        result = right(*arguments)
        result[0, 3] ^= 1
        return result

    monkeypatch.setattr(golden_layers, "fully_connected", wrong)
    with pytest.raises(
        CheckError, match="fully connected, 16 channels, dense 1x2: pixel 0, output channel 3"
    ):
        simulate(connected=(16,), rows=4)
