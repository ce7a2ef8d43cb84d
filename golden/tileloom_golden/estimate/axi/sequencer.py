"""The AXI4 variant's sequencer in time: every kept block, tap and tile, through two registers to the core.

The registers, and the loops before them, stand still while the first tile of a block is at the core and the
block is not there. A tile leaves the loops in a cycle in which nothing stands still, and passes each register
in the next such cycle: the first two tiles have left when the first is at the core.
"""

from .events import FEEDER_TOKENS, Events
from .plan import Plan
from .processes import Process


def sequencer(plan: Plan, events: Events) -> Process:
    """Visit tiles, a column's once its header, its half of the accumulators and the strip are there."""
    size = plan.size
    # The next pass of a tile waits for the one before: in a systolic core, which needs sums together with
    # their tile, and where the next block comes sooner than the sums are written.
    hazard = size.hazard if size.by_rows or size.hazard > size.interval else 0
    strip = column_number = half = token = 0
    # When the last tile left the loops, when the next can; when the mask's register is free for a token.
    left = free = masked = 0
    standing = range(0)

    def moving(cycle: int) -> int:
        """Return the first cycle from this one on in which nothing stands still."""
        return standing.stop if cycle in standing else cycle

    for number, step in enumerate(plan.steps):
        command = yield events.convs, number
        for load, conv in step.each():
            taps = conv.kernel[0] * conv.kernel[1]
            loaded = max(command, (yield events.loaded, strip)) + 1
            free = max(free, loaded)
            # No token's mask is read before the strip is there.
            masked = max(masked + 1, loaded)
            strip += 1
            for column in plan.columns(load, conv):
                for index, tiles in enumerate(column or [0]):
                    now = (yield events.tokens, token) + 1
                    token += 1
                    if size.activation_mask:
                        now = max(now, masked)
                        events.visited.append(now)
                        now += 1
                    if not index:
                        now = max(now, (yield events.headers, column_number) + 1)
                        column_number += 1
                        if not conv.accumulate:
                            now = max(now, (yield events.freed, half))
                    for tap in range(taps if tiles else 1):
                        taken = yield events.taken, len(events.arrived)
                        if events.arrived:
                            standing = range(events.arrived[-1], taken)
                        free = moving(free)
                        if hazard and (index or tap or conv.accumulate):
                            free = max(free, taken + hazard - 2)
                        now = moving(max(now, free))
                        if not index and not tap:
                            events.opened.append(now)
                        follows = moving(now + 1)
                        left, free = (now, follows) if tiles <= 1 else (follows, follows + 1)
                        if tiles:
                            ends = tap == taps - 1 and index == len(column) - 1 and conv.finish
                            events.rest.append(tiles - 1 if ends else -1)
                            events.arrived.append(follows + 1)
                        elif conv.finish:
                            events.finished.append(follows + 1 + size.latency)
                        if tiles > 2:
                            left = (yield events.taken, len(events.arrived)) + tiles - 3
                            free = left + 1
                    masked = left
                    if not size.activation_mask:
                        events.visited.append(left)
                half += conv.finish
            if column and tiles > 1:
                standing = range(events.arrived[-1], (yield events.taken, len(events.arrived)))
            free = moving(free)
            events.released.append(free)
        # A CONV is done when its last tile has left the loops, and the last beat of weights the feeder.
        events.convs_free.append(max(left, (yield events.fed, token + FEEDER_TOKENS - 1)))
