"""What a bench or harness must know of a generated array: its configuration and the names of its signals.

Nothing in simulation depends on how signals are called; the manifest says it. An ``Interface`` survives the
way through JSON into the simulator's process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tileloom.config import from_plain, to_plain
from tileloom.systolic.config import SystolicConfig


@dataclass(frozen=True)
class Stream:
    """One stream: the names of its signals, and what its data holds.

    Data is a vector of ``elements`` words of ``element_width`` bits, the first least significant.
    """

    name: str
    inward: bool
    elements: int
    element_width: int
    data: str
    valid: str
    ready: str
    last: str | None


@dataclass(frozen=True)
class Interface:
    """One array: ``name`` for messages, its configuration, clock, reset and streams by their names.

    Registers, where the configuration has a ``wrapper``, are ``s_axi_``, and the interrupt is ``irq``.
    """

    name: str
    config: SystolicConfig
    clock: str
    reset: str
    reset_active_low: bool
    streams: Mapping[str, Stream]

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> Interface:
        """Return the interface that a manifest of ``tileloom generate`` describes.

        Raises ConfigError where the array has a host, and so no streams.
        """
        config = from_plain(SystolicConfig, manifest["config"])
        config.require_no_host("stream interface")
        streams = [_stream(port) for port in manifest["ports"]]
        return cls(
            name=manifest["name"],
            config=config,
            clock=manifest["clock"],
            reset=manifest["reset"]["name"],
            reset_active_low=manifest["reset"]["active_low"],
            streams={stream.name: stream for stream in streams},
        )

    def to_plain(self) -> dict[str, Any]:
        """Return the interface as values that JSON holds."""
        return {**asdict(self), "config": to_plain(self.config)}

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Interface:
        """Return the interface that ``to_plain`` wrote."""
        streams = {name: Stream(**stream) for name, stream in plain["streams"].items()}
        return cls(**{**plain, "config": from_plain(SystolicConfig, plain["config"]), "streams": streams})


def _stream(port: Mapping[str, Any]) -> Stream:
    signals = port["signals"]
    return Stream(
        name=port["name"],
        inward=port["direction"] == "in",
        elements=port["elements"],
        element_width=port["element_width"],
        data=signals["data"],
        valid=signals["valid"],
        ready=signals["ready"],
        last=signals.get("last"),
    )
