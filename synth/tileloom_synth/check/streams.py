"""Stream sources and sinks in every lane of a simulation: each goes at its own pace, idling at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..gates import bits
from ..gates.bits import Bools
from ..gates.simulator import Simulator


def bits_of(numbers: Sequence[int], width: int) -> Bools:
    """Return integers as numbers x bits, the least significant first."""
    size = -(-width // 8)
    raw = np.frombuffer(b"".join(number.to_bytes(size, "little") for number in numbers), np.uint8)
    return np.unpackbits(raw.reshape(-1, size), axis=1, bitorder="little")[:, :width].astype(np.bool_)


class Source:
    """Sends beats in every lane; an offer is held until it is taken, and what is beside it is noise.

    Parameters
    ----------
    simulator, valid, ready, data:
        The simulation and its ports; ``data`` has several where payload and ``last`` are apart.
    beats:
        Lanes x beats x bits, of all data ports side by side.
    idle:
        Chance in a cycle that nothing is offered.
    """

    def __init__(
        self,
        simulator: Simulator,
        valid: str,
        ready: str,
        data: Sequence[str],
        beats: Bools,
        idle: float,
        rng: np.random.Generator,
    ) -> None:
        self.simulator, self.valid, self.ready, self.data = simulator, valid, ready, data
        self.beats, self.idle, self.rng = beats, idle, rng
        self.sent = np.zeros(len(beats), np.int64)
        self._offers = np.zeros(len(beats), np.bool_)

    @property
    def done(self) -> bool:
        """Whether all is sent."""
        return bool((self.sent == self.beats.shape[1]).all())

    def drive(self) -> None:
        """Set the ports for this cycle."""
        lanes, count, width = self.beats.shape
        begins = (self.sent < count) & (self.rng.random(lanes) >= self.idle)
        self._offers |= begins
        offered = self.beats[np.arange(lanes), np.minimum(self.sent, count - 1)]
        payload = np.where(self._offers[:, None], offered, self.rng.integers(0, 2, (lanes, width), np.bool_))
        place = 0
        for port in self.data:
            size = len(self.simulator.ports[port])
            self.simulator.set(port, bits.to_nets(payload[:, place : place + size]))
            place += size
        self.simulator.set(self.valid, bits.one(self._offers))

    def observe(self) -> None:
        """See in which lanes the offer is taken, once the cycle has settled."""
        taken = self._offers & bits.to_lanes(self.simulator.get(self.ready), len(self.sent))[:, 0]
        self.sent += taken
        self._offers &= ~taken


class Sink:
    """Takes beats in every lane, not ready at random, and keeps those that came (lanes x beats x bits)."""

    def __init__(
        self,
        simulator: Simulator,
        valid: str,
        ready: str,
        data: Sequence[str],
        lanes: int,
        count: int,
        idle: float,
        rng: np.random.Generator,
    ) -> None:
        self.simulator, self.valid, self.ready, self.data = simulator, valid, ready, data
        self.idle, self.rng = idle, rng
        width = sum(len(simulator.ports[port]) for port in data)
        self.beats = np.zeros((lanes, count, width), np.bool_)
        self.taken = np.zeros(lanes, np.int64)
        self.surplus = 0
        self._ready = np.zeros(lanes, np.bool_)

    @property
    def done(self) -> bool:
        """Whether all has come that should."""
        return bool((self.taken >= self.beats.shape[1]).all())

    def drive(self) -> None:
        """Set the port for this cycle."""
        self._ready = self.rng.random(len(self.taken)) >= self.idle
        self.simulator.set(self.ready, bits.one(self._ready))

    def observe(self) -> None:
        """Take what is offered, once the cycle has settled."""
        lanes, count, _ = self.beats.shape
        valid = bits.to_lanes(self.simulator.get(self.valid), lanes)[:, 0] & self._ready
        self.surplus += int((valid & (self.taken >= count)).sum())
        chosen = np.flatnonzero(valid & (self.taken < count))
        beat = np.hstack([bits.to_lanes(self.simulator.get(port), lanes) for port in self.data])
        self.beats[chosen, self.taken[chosen]] = beat[chosen]
        self.taken[chosen] += 1
