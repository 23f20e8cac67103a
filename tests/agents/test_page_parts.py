"""Tables and links are taken out of pages."""

from typing import Any

import pytest

from tests.agents.conftest import Run
from tests.agents.website import Site, page

pytestmark = pytest.mark.requirement("FR-3.2")


@pytest.mark.parametrize(
    ("html", "tables"),
    [
        (
            "<table><tr><th>Name</th><th>Price</th></tr><tr><td>Pen</td><td>2 <b>€</b></td></tr>"
            "</table><table><tr><td>a</td><td>b</td></tr></table>",
            [[{"Name": "Pen", "Price": "2 €"}], [{"column_1": "a", "column_2": "b"}]],
        ),
        (
            "<table><thead><tr><th>A</th><th>A</th><th></th></tr></thead><tbody>"
            "<tr><td rowspan=2>1</td><td colspan=2>2</td></tr><tr><td>3</td></tr></tbody></table>",
            [[{"A": "1", "A_2": "2", "column_3": "2"}, {"A": "1", "A_2": "3", "column_3": None}]],
        ),
        (
            "<table><tr><td>out<table><tr><td>in</td></tr></table></td></tr></table>",
            [[{"column_1": "out in"}]],
        ),
        ("<table></table><p>None</p>", []),
    ],
)
async def test_tables_are_rows_of_objects(
    run: Run, site: Site, html: str, tables: list[Any]
) -> None:
    """Heads name the columns, cells that span stand in each place, tables within are text."""
    site.replies["/"] = page(html)
    parameters = {"url": site.url(), "mode": "http", "format": "tables"}
    assert (await run("web_scraping", parameters)).output == tables


async def test_cell_that_spans_everything_is_bounded(run: Run, site: Site) -> None:
    """A page cannot make a table that fills the memory."""
    cells = "<td colspan=99999 rowspan=99999>x</td>" * 3
    site.replies["/"] = page(f"<table><tr>{cells}</tr><tr>{cells}</tr></table>")
    parameters = {"url": site.url(), "mode": "http", "format": "tables"}
    [rows] = (await run("web_scraping", parameters)).output
    assert [len(row) for row in rows] == [1000, 1000]


async def test_links_are_whole_addresses(run: Run, site: Site) -> None:
    """Each address once with its text; what leads nowhere on the web is left out."""
    site.replies["/"] = page(
        '<nav><a href="/home">Home</a></nav><main><a href="a?b=1">One</a><a href="a?b=1"></a>'
        '<a href="mailto:a@example.com">Mail</a><a href="javascript:x()">No</a><a>No</a></main>'
    )
    parameters: dict[str, Any] = {"url": site.url("/"), "mode": "http", "format": "links"}
    found = [
        {"url": site.url("/a?b=1"), "text": "One"},
        {"url": "mailto:a@example.com", "text": "Mail"},
    ]
    whole = (await run("web_scraping", parameters)).output
    assert whole == [{"url": site.url("/home"), "text": "Home"}, *found]
    assert (await run("web_scraping", {**parameters, "selector": "main"})).output == found
