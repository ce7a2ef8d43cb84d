"""When and by which id a core on CV-X-IF may commit and kill, on the adapter alone.

After CORE-V-XIF 1.0, "Commit interface": a commit comes in any cycle from the one in which the instruction is
first offered, and is for every instruction up to the id that it names; a kill is for that id and every
younger one.
"""

from collections.abc import Awaitable, Callable

import pytest
from amaranth.sim import Simulator, SimulatorContext

from tileloom.xfu.config import XfuConfig
from tileloom.xfu.cv_x_if import CvXIf
from tileloom.xfu.instruction import encode_counter, encode_decimate

NOP = 0x13
PATIENCE = 20


class Host:
    """A pipeline that is always ready: whatever is committed completes within a few cycles.

    Attributes
    ----------
    results:
        (id, data) of every result, in order.
    """

    def __init__(self, ctx: SimulatorContext, dut: CvXIf) -> None:
        self.ctx, self.dut = ctx, dut
        self.results: list[tuple[int, int]] = []
        ctx.set(dut.mem_ready, 1)
        ctx.set(dut.result_ready, 1)
        ctx.set(dut.issue_instr, NOP)

    async def cycle(
        self,
        word: int | None = None,
        tag: int = 0,
        *,
        commit: int | None = None,
        kill: int | None = None,
        moves: bool = True,
        value: int = 0,
    ) -> bool:
        """Pass one cycle; return whether ``word``, offered under id ``tag``, was accepted.

        ``commit`` and ``kill`` are the id that the commit interface names. The pipeline ``moves``, or else
        takes nothing. ``value`` is rs1.
        """
        ctx, dut = self.ctx, self.dut
        decided = kill if commit is None else commit
        for signal, level in (
            (dut.issue_valid, word is not None),
            (dut.issue_instr, NOP if word is None else word),
            (dut.issue_id, tag),
            (dut.issue_rs1, value),
            (dut.commit_valid, decided is not None),
            (dut.commit_id, decided or 0),
            (dut.commit_kill, kill is not None),
            (dut.mem_ready, moves),
            (dut.issue_rs_valid, 7 if moves else 0),  # which is what holds a host that needs no guard
        ):
            ctx.set(signal, level)
        _, _, taken, loads, load, done, tag_done, data = await ctx.tick().sample(
            dut.issue_valid & dut.issue_ready & dut.issue_accept,
            dut.mem_valid & dut.mem_ready,
            dut.mem_id,
            dut.result_valid & dut.result_ready,
            dut.result_id,
            dut.result_data,
        )
        ctx.set(dut.mem_result_valid, loads)
        ctx.set(dut.mem_result_id, load)
        if done:
            self.results.append((tag_done, data))
        return bool(taken)

    async def offer(self, word: int, tag: int, **more: int) -> None:
        """Offer an instruction until it is accepted."""
        for _ in range(PATIENCE):
            if await self.cycle(word, tag, **more):
                return
        raise AssertionError(f"id {tag} is not accepted")

    async def wait(self) -> list[int]:
        """Pass some cycles; return the ids of all results."""
        for _ in range(PATIENCE):
            await self.cycle()
        return [tag for tag, _ in self.results]


Scenario = Callable[[Host], Awaitable[None]]


def simulate(scenario: Scenario, config: XfuConfig, adapter: type[CvXIf] = CvXIf) -> None:
    """Run a scenario on an adapter."""
    dut = adapter(config)

    async def bench(ctx: SimulatorContext) -> None:
        host = Host(ctx, dut)
        await host.wait()
        await scenario(host)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


LOAD, OTHER_LOAD = encode_decimate(4, 1, 8, 10), encode_decimate(8, 2, 9, 11)
SWAP = encode_counter(3, 4)


async def with_the_handshake(host: Host) -> None:
    assert await host.cycle(LOAD, 1, commit=1)
    assert await host.wait() == [1]


async def while_it_is_offered(host: Host) -> None:
    assert not await host.cycle(LOAD, 1, commit=1, moves=False)
    assert not await host.cycle(LOAD, 1, moves=False)
    assert await host.cycle(LOAD, 1)
    assert await host.wait() == [1]


async def an_offer_taken_back_leaves_nothing(host: Host) -> None:
    assert not await host.cycle(LOAD, 1, commit=2, moves=False)
    await host.cycle()
    assert await host.cycle(LOAD, 3)
    assert await host.wait() == []
    await host.cycle(commit=3)
    assert await host.wait() == [3]


async def in_each_cycle_of_the_offer(host: Host) -> None:
    """As CV32E40PX does: issue_valid is commit_valid."""
    for tag, word in ((1, LOAD), (2, OTHER_LOAD), (3, SWAP), (0, LOAD)):
        assert not await host.cycle(word, tag, commit=tag, moves=False)
        await host.offer(word, tag, commit=tag)
    assert await host.wait() == [1, 2, 3, 0]


async def by_a_younger_id(host: Host) -> None:
    await host.offer(LOAD, 1)
    assert await host.wait() == []
    await host.cycle(commit=2)
    assert await host.wait() == [1]


async def together_with_the_next(host: Host) -> None:
    """One commit for the one inside and for the one that is offered and not yet taken."""
    await host.offer(LOAD, 1)
    assert not await host.cycle(OTHER_LOAD, 2, commit=2, moves=False)
    await host.offer(OTHER_LOAD, 2)
    assert await host.wait() == [1, 2]


async def an_older_id_commits_nothing(host: Host) -> None:
    await host.offer(LOAD, 1, commit=0)
    await host.cycle(commit=0)
    assert await host.wait() == []
    await host.cycle(commit=1)
    assert await host.wait() == [1]


async def around_the_end_of_the_ids(host: Host) -> None:
    last = (1 << len(host.dut.issue_id)) - 1
    await host.offer(LOAD, last)
    await host.cycle(commit=0)
    await host.offer(LOAD, 0, commit=last)
    await host.cycle(kill=last)
    await host.offer(OTHER_LOAD, 1)
    await host.cycle(commit=1)
    assert await host.wait() == [last, 1]


async def a_kill_by_an_older_id(host: Host) -> None:
    await host.offer(LOAD, 2)
    await host.cycle(kill=1)
    await host.cycle(commit=2)
    assert await host.wait() == []
    await host.offer(SWAP, 3, value=7)
    await host.cycle(commit=3)
    assert await host.wait() == [3]
    assert host.results == [(3, 0)]  # the counter is where it was


async def a_kill_by_a_younger_id_spares(host: Host) -> None:
    await host.offer(LOAD, 1)
    await host.cycle(kill=2)
    await host.cycle(commit=1)
    assert await host.wait() == [1]


async def a_kill_with_the_handshake(host: Host) -> None:
    for killed in (1, 0):
        assert await host.cycle(LOAD, 1, kill=killed)
        assert await host.wait() == []
        # Nothing is left that the next would have to wait for.
        await host.offer(SWAP, 2, commit=2)
        assert await host.wait() == [2]
        host.results.clear()


async def what_is_committed_is_not_killed(host: Host) -> None:
    await host.offer(LOAD, 1, commit=1)
    await host.cycle(kill=1)
    assert await host.wait() == [1]


async def an_id_that_comes_again(host: Host) -> None:
    """CV32E40X gives an id twice in a row; the commit is for the older of the two."""
    await host.offer(LOAD, 1)
    assert not await host.cycle(OTHER_LOAD, 1, commit=1, moves=False)
    await host.offer(OTHER_LOAD, 1)
    assert await host.wait() == [1]
    await host.cycle(commit=1)
    assert await host.wait() == [1, 1]


SCENARIOS = [
    with_the_handshake,
    while_it_is_offered,
    an_offer_taken_back_leaves_nothing,
    in_each_cycle_of_the_offer,
    by_a_younger_id,
    together_with_the_next,
    an_older_id_commits_nothing,
    around_the_end_of_the_ids,
    a_kill_by_an_older_id,
    a_kill_by_a_younger_id_spares,
    a_kill_with_the_handshake,
    what_is_committed_is_not_killed,
    an_id_that_comes_again,
]


CONFIGS = {
    "2 bits": XfuConfig(id_width=2),
    "4 bits": XfuConfig(id_width=4),
    "no guard": XfuConfig(guard=False),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_commits(scenario: Scenario, config: XfuConfig) -> None:
    simulate(scenario, config)


def test_the_counter_counts_what_is_committed_alone() -> None:
    async def scenario(host: Host) -> None:
        tag = 0
        for killed in (False, True, False, True, True, False):
            tag = (tag + 1) % 16
            await host.offer(LOAD, tag, **({"kill": tag} if killed else {"commit": tag}))
            await host.wait()
        await host.offer(SWAP, tag + 1, commit=tag + 1)
        await host.wait()
        assert host.results[-1] == (tag + 1, 3)

    simulate(scenario, XfuConfig())
