"""Templates that work on data: lists, tables, interfaces."""

from tests.actors.templates.cases import case
from tests.actors.templates.world import World


@case("map-reduce-list")
async def map_reduce_list(world: World) -> None:
    """Each text is judged by itself, and the report counts all of them."""
    texts = ["Wonderful, I love it.", "Terrible, broken after a day.", "Excellent service!"]
    ended = await world.run("map-reduce-list", {"texts": texts})
    assert ended.output["counts"] == {"positive": 2, "negative": 1}
    assert ended.output["report"].startswith("# What people say")
    assert "**3** items analysed" in ended.output["report"]
