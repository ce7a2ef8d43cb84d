"""How many cycles the AXI4 variant of the block-sparse engine takes for a program.

```
 descriptors --> jobs --> clients --> bus --> activations --> loader ------------.
      |                                |----> index --> walker --> tokens        v
      |                                '----> weights --> feeder --> core --> sequencer
      '------------------------------------------------------------> drain <-----'
```

Each unit is a process that says what the RTL does, in terms of whole bursts, index entries, blocks and
columns. The variant with streams has the same units in sums over columns (`estimate.clock`): there no beat is
late.
"""

import numpy as np
import numpy.typing as npt

from ...engine.program import Program
from .bus import Bus, ReadChannel
from .events import Events
from .plan import Plan
from .processes import Network
from .sequencer import sequencer
from .units import core, descriptors, drain, feeder, loader, walker

ANSWER = 4
"""Cycles from the last result to `status`: its beat is on W in the next, answered on B in the one after that,
then nothing is under way, and what is left of the program is reset.
"""

IDLE = 2
"""Cycles from the last descriptor handed out, which ends the program, to `status`: the state that says so,
and the reset.
"""


def axi_cycles(
    program: Program,
    mask: npt.NDArray[np.bool_],
    bus: Bus,
    leaving: int,
    blocked: npt.NDArray[np.bool_] | None = None,
) -> int:
    """Return the cycles from the offer on `start` until `status` is there.

    Parameters
    ----------
    program:
        From `compile_layer`.
    mask:
        Which blocks of the weights are kept, block rows x block columns.
    bus:
        That it is on.
    leaving:
        Cycles from a row read from the accumulators to a row taken.
    blocked:
        Where A is not zero, if that counts; as for `clock.tiles_of`.
    """
    plan, events = Plan(program, mask, bus, blocked), Events(program.size, bus)
    network = Network()
    network.add(descriptors(plan, events, bus))
    for client, handed, jobs in (
        (events.activations, events.loads, map(plan.activations, plan.steps)),
        (events.index, events.convs, map(plan.index, plan.steps)),
        (events.weights, events.convs, map(plan.weights, plan.steps)),
    ):
        network.add(client.read(handed, jobs, plan.width, bus.burst_beats))
    for unit in (loader, walker, feeder, core, sequencer):
        network.add(unit(plan, events))
    network.add(drain(plan, events, leaving))
    channel = ReadChannel(events.clients, bus.latency)
    network.advance()
    while channel.grant():
        network.advance()
    end = max(events.written[-1] + leaving + ANSWER, events.end[0] + IDLE)
    return end + sum(repetition.skipped for repetition in plan.repetitions)
