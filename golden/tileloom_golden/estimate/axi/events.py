"""When things happen in the AXI4 variant: what its units tell each other."""

from ...engine.layer import EngineSize
from ...engine.program import DESCRIPTOR_BYTES
from .bus import Bus, ReadClient
from .processes import Times

COMMANDS = 2
"""Places in each unit's queue of commands."""

HALVES = 2
"""Of the A buffer, and of the accumulators."""

FEEDER_TOKENS, SEQUENCER_TOKENS = 2, 4
"""Places in their queues of tokens."""


class Events:
    """Lists of times, each appended to by one unit, as they are before the engine starts.

    Attributes
    ----------
    fetch, activations, index, weights:
        The read clients.
    loads, convs, writes:
        When descriptors were handed out.
    end:
        When the descriptor that ends the program would have been.
    loads_free, convs_free, writes_free:
        When a command was done, and its place in the queue free.
    loaded, released:
        When a half of the A buffer was full; when it was free.
    finished, freed:
        When a half of the accumulators was complete; when it was free.
    written:
        When the last row of each group's results was read from the accumulators.
    tokens:
        When each token went into the queues of feeder and sequencer.
    fed, visited:
        When it left them.
    headers, opened:
        When a header was whole; when it was taken over, and its place free.
    beats, shifted:
        When a beat of a block went into the FIFO before the core, and when out of it.
    arrived, taken:
        When a block's first tile was at the core, and when the block was taken into use for it.
    rest:
        Of a block that ends a column its last tap's tiles but one; of others -1.
    """

    def __init__(self, size: EngineSize, bus: Bus) -> None:
        self.fetch = ReadClient(DESCRIPTOR_BYTES * 8 // size.bus)
        self.activations, self.index, self.weights = (ReadClient(2 * bus.burst_beats) for _ in range(3))
        self.loads: Times = []
        self.convs: Times = []
        self.writes: Times = []
        self.end: Times = []
        self.loads_free: Times = [0] * COMMANDS
        self.convs_free: Times = [0] * COMMANDS
        self.writes_free: Times = [0] * COMMANDS
        self.loaded: Times = []
        self.released: Times = [0] * HALVES
        self.finished: Times = []
        self.freed: Times = [0] * HALVES
        self.written: Times = []
        self.tokens: Times = []
        self.fed: Times = [0] * FEEDER_TOKENS
        self.visited: Times = [0] * SEQUENCER_TOKENS
        self.headers: Times = []
        self.opened: Times = [0]
        self.beats: Times = []
        self.shifted: Times = [0] * size.weight_beats
        self.arrived: Times = []
        self.rest: list[int] = []
        self.taken: Times = [0]

    @property
    def clients(self) -> list[ReadClient]:
        """The read clients in the order of their turns."""
        return [self.fetch, self.activations, self.index, self.weights]
