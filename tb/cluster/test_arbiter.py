"""Round robin, exhaustively: what it chooses, and how long anyone can wait."""

from amaranth.sim import Simulator, SimulatorContext

from tileloom.cluster.arbiter import Arbiter

COUNT = 5


def test_no_request_waits_for_more_than_one_grant_of_each_other() -> None:
    """From every state and for all requests.

    A request's distance is the number of others that go before it if all ask. Each grant of another makes
    it smaller, so that it is 0 after COUNT - 1 grants at most, and then the request is served.
    """
    states: dict[int, int] = {}  # by the first of the circle: how it is reached, the last one served
    arbiter = Arbiter(COUNT)
    simulator = Simulator(arbiter)
    simulator.add_clock(1e-6)

    async def serve(ctx: SimulatorContext, requests: int, ready: int) -> int:
        ctx.set(arbiter.requests, requests)
        ctx.set(arbiter.ready, ready)
        chosen = ctx.get(arbiter.chosen)
        await ctx.tick()
        return chosen

    async def bench(ctx: SimulatorContext) -> None:
        for last in range(COUNT):
            first = (last + 1) % COUNT
            for requests in range(1 << COUNT):
                for ready in (0, 1):
                    assert await serve(ctx, 1 << last, 1) == 1 << last
                    if not requests:
                        assert await serve(ctx, 0, ready) == 0
                        continue
                    expected = next(
                        number
                        for number in ((first + step) % COUNT for step in range(COUNT))
                        if requests >> number & 1
                    )
                    assert await serve(ctx, requests, ready) == 1 << expected
                    # Served, it is the last of the circle; not served, it stays chosen, whoever else asks.
                    everyone = (1 << COUNT) - 1
                    then = (expected + 1) % COUNT if ready else expected
                    assert await serve(ctx, everyone, 1) == 1 << then
                    states[first] = then
                    for waiting in range(COUNT):
                        if requests >> waiting & 1 and waiting != expected and ready:
                            assert (waiting - then) % COUNT < (waiting - first) % COUNT

    simulator.add_testbench(bench)
    simulator.run()
    assert len(states) == COUNT
