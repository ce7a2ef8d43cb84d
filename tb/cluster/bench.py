"""Cycles of the golden model, played on a fabric in Amaranth's own simulator."""

from random import Random

from amaranth.hdl import Value
from amaranth.sim import Simulator, SimulatorContext

from tileloom.cluster.config import ClusterConfig
from tileloom.cluster.fabric import Fabric
from tileloom_sim.cluster.play import INPUTS, OUTPUTS, Cycle, play
from tileloom_sim.cluster.programs import draw


def programs(config: ClusterConfig, count: int, seed: int) -> list[Cycle]:
    """Return the cycles of random programs."""
    random = Random(seed)
    return list(play(config, (draw(random, config) for _ in range(count)), random))


def check(config: ClusterConfig, cycles: list[Cycle]) -> None:
    """Play cycles on a fabric and compare every output in each."""
    fabric = Fabric(config)
    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)

    async def bench(ctx: SimulatorContext) -> None:
        for number, cycle in enumerate(cycles):
            for name, value in zip(INPUTS, cycle.inputs, strict=True):
                ctx.set(Value.cast(getattr(fabric, name)), int(value))
            for name, expected, counts in zip(OUTPUTS, cycle.expected, cycle.masks, strict=True):
                found = ctx.get(Value.cast(getattr(fabric, name)))
                assert (found ^ expected) & counts == 0, (number, name, hex(found), hex(expected))
            await ctx.tick()

    simulator.add_testbench(bench)
    simulator.run()
