"""The service that Restate calls: each `run` is recorded before the next begins."""

import restate

from benchmarks.peers.works import succeed

service = restate.Service("Peers")


async def _sequence(context: restate.Context, value: int) -> int:
    one = await context.run_typed("one", succeed, value=value)
    two = await context.run_typed("two", succeed, value=one)
    three: int = await context.run_typed("three", succeed, value=two)
    return three


async def _map(context: restate.Context, items: list[int]) -> list[int]:
    steps = [context.run_typed(f"item {item}", succeed, value=item) for item in items]
    await restate.gather(*steps)
    return [await step for step in steps]


service.handler("sequence")(_sequence)
service.handler("map")(_map)

app = restate.app(services=[service])
