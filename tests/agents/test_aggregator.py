"""Results are joined, computed and told as a report, without a language model."""

from typing import Any

import pytest

from agents.errors import AgentError
from tests.agents.conftest import Run

SENTIMENTS = [
    {"sentiment": "positive", "score": 0.9, "text": "Great sound, great battery."},
    {"sentiment": "positive", "score": 0.6, "text": "Good value and fast delivery."},
    {"sentiment": "negative", "score": -0.8, "text": "Broke after a week, poor battery."},
    {"sentiment": "neutral", "score": 0.0, "text": "It is fine."},
]


@pytest.mark.requirement("FR-3.6")
@pytest.mark.parametrize(
    ("parameters", "inputs", "output"),
    [
        ({}, {"a": [1, 2], "b": [3]}, [1, 2, 3]),
        ({}, {"a": [[1], [2, 3]]}, [1, 2, 3]),
        ({}, {"a": ["x", "y"]}, ["x", "y"]),
        ({"aggregation": "sum"}, {"a": [1, 2.5]}, 3.5),
        ({"aggregation": "average", "field": "score"}, {"a": [{"score": 1}, {"score": 2}]}, 1.5),
        ({"aggregation": "average"}, {"a": [{"score": 1, "id": 9}, {"score": 2, "id": 9}]}, 1.5),
        ({"aggregation": "max"}, {"a": [3, 7, 5]}, 7),
        ({"aggregation": "min"}, {"a": ["4", "3"]}, 3),
        ({"aggregation": "count"}, {"a": [1, 2], "b": [3]}, 3),
        (
            {"aggregation": "count", "field": "k.x"},
            {"a": [{"k": {"x": "u"}}, {}]},
            {"u": 1, "none": 1},
        ),
        ({"aggregation": "group", "field": "k"}, {"a": [{"k": 1}]}, {"1": [{"k": 1}]}),
        ({"aggregation": "sum", "data": [4, 5]}, {"a": [1]}, 9),
        ({"format": "text"}, {"a": ["one", "two"]}, "one\ntwo"),
        ({"format": "text", "aggregation": "sum"}, {"a": [1, 2]}, "3"),
        ({"format": "text", "aggregation": "count"}, {"a": [{"k": 1}]}, "1"),
        ({"format": "text", "custom_script": "{'n': len(results)}"}, {"a": [1, 2]}, '{"n":2}'),
        ({"custom_script": "[1, 2]", "format": "text"}, {"a": []}, "1\n2"),
    ],
)
async def test_aggregation(
    run: Run, parameters: dict[str, Any], inputs: dict[str, Any], output: object
) -> None:
    """Each aggregation gives its value."""
    assert (await run("aggregator", parameters, inputs=inputs)).output == output


@pytest.mark.requirement("FR-3.6")
async def test_custom_script_replaces_the_aggregation(run: Run) -> None:
    """The document's custom script computes over `results`."""
    script = (
        "# Custom aggregation logic\n"
        "total_score = sum(item['score'] for item in results)\n"
        'return {"total_score": total_score, "count": len(results)}'
    )
    rows = [{"score": 1}, {"score": 2}]
    parameters = {"aggregation": "summarize", "custom_script": script}
    result = await run("aggregator", parameters, inputs={"rows": rows})
    assert result.output == {"total_score": 3, "count": 2}


@pytest.mark.requirement("FR-3.6", "FR-2.4")
async def test_report_of_sentiments_counts_and_quotes(run: Run) -> None:
    """A report of sentiments has real counts, shares, the average and quotes."""
    parameters = {
        "aggregation": "summarize",
        "format": "markdown_report",
        "title": "What customers say",
    }
    report = (await run("aggregator", parameters, inputs={"sentiments": SENTIMENTS})).output
    assert report.startswith("# What customers say\n")
    assert "**4** items analysed; most are **positive** (50 %)" in report
    assert "average score is **+0.17**" in report
    assert "| positive | 2 | 50 % |" in report
    assert "| negative | 1 | 25 % |" in report
    assert "> Great sound, great battery. (+0.90)" in report
    assert "> Broke after a week, poor battery. (-0.80)" in report
    assert "battery" in report.split("## Frequent topics")[1].lower()


async def test_report_reads_sentiments_in_words(run: Run) -> None:
    """Answers that are texts, as the offline model and others give them, are counted too."""
    answers = [
        "positive (0.8): I love it",
        "The sentiment is Negative.",
        "negative (-0.5): bad",
        "Positive",
    ]
    parameters = {"aggregation": "summarize", "format": "json"}
    found = (await run("aggregator", parameters, inputs={"answers": answers})).output
    assert found["sentiments"] == {"positive": 2, "neutral": 0, "negative": 2}
    assert found["most_positive"] == [{"text": "I love it", "score": 0.8}]


@pytest.mark.parametrize(
    ("parameters", "row"),
    [
        ({"aggregation": "sum", "field": "score"}, "| Sum | 0.7 |"),
        ({"aggregation": "count", "field": "sentiment"}, "| positive | 2 |"),
        ({"custom_script": "return {'items': len(results)}"}, "| items | 4 |"),
    ],
)
async def test_report_tells_the_computed_value(
    run: Run, parameters: dict[str, Any], row: str
) -> None:
    """A computed value stands in the report beside what it was computed from."""
    parameters = {"format": "markdown_report", **parameters}
    report = (await run("aggregator", parameters, inputs={"s": SENTIMENTS})).output
    assert row in report
    assert "## Sentiment" in report


async def test_report_tells_failed_items(run: Run) -> None:
    """Items of a map that failed are counted apart."""
    items = [*SENTIMENTS, {"error": "timeout"}, None]
    parameters = {"aggregation": "summarize", "format": "markdown_report"}
    report = (await run("aggregator", parameters, inputs={"s": items})).output
    assert "**4** items analysed, 2 more could not be" in report


async def test_report_of_numbers_has_statistics(run: Run) -> None:
    """Numbers and repeated labels are described by statistics."""
    rows = [{"price": p, "city": c} for p, c in ((10, "Rome"), (20, "Oslo"), (60, "Rome"))]
    parameters = {"aggregation": "summarize", "format": "json"}
    found = (await run("aggregator", parameters, inputs={"rows": rows})).output
    assert found["statistics"]["price"]["average"] == 30
    assert found["statistics"]["price"]["median"] == 20
    assert found["categories"] == {"city": {"Rome": 2, "Oslo": 1}}


async def test_report_of_texts_summarizes(run: Run) -> None:
    """Texts are summarized by their own sentences."""
    texts = [
        "The new bridge opened on Monday after three years of work on the river crossing.",
        "Engineers tested the bridge with sixty loaded trucks before the river crossing opened.",
        "A local bakery sold cakes. The weather stayed dry.",
        "The mayor said the bridge will cut the river crossing from one hour to ten minutes.",
    ]
    parameters = {"aggregation": "summarize", "format": "markdown_report"}
    report = (await run("aggregator", parameters, inputs={"texts": texts})).output
    assert "## What they say" in report
    assert "river crossing" in report


async def test_empty_list_makes_an_honest_report(run: Run) -> None:
    """Nothing analysed is said so."""
    parameters = {"aggregation": "summarize", "format": "markdown_report"}
    report = (await run("aggregator", parameters, inputs={"s": []})).output
    assert "**0** items analysed." in report


async def test_average_of_nothing_is_final(run: Run) -> None:
    """An average without numbers names the remedy."""
    with pytest.raises(AgentError, match="Give `field`"):
        await run("aggregator", {"aggregation": "average"}, inputs={"a": ["x"]})


@pytest.mark.requirement("FR-3.6")
async def test_a_report_of_several_inputs_tells_each_by_itself(run: Run) -> None:
    """Labels are counted, sentiments too, lists stay lists and texts stay whole."""
    inputs = {
        "keywords": ["coffee", "jug", "lid"],
        "categories": ["praise", "praise", "complaint"],
        "sentiments": SENTIMENTS,
        "summary": "They like it.",
        "totals": {"open_orders": 3},
    }
    parameters = {"aggregation": "concat", "format": "markdown_report", "title": "Both"}
    report = (await run("aggregator", parameters, inputs=inputs)).output
    assert report.startswith("# Both\n\n## Keywords\n\n- coffee\n- jug\n- lid\n")
    assert "| praise | 2 | 67 % |" in report
    assert "| positive | 2 | 50 % |" in report
    assert "## Summary\n\nThey like it.\n" in report
    assert "- open orders: 3" in report


@pytest.mark.requirement("FR-3.6")
async def test_summary_in_every_format(run: Run) -> None:
    """A summary is an object, or a report under its title as text and as Markdown."""
    inputs = {"rows": SENTIMENTS}
    found = await run("aggregator", {"aggregation": "summarize"}, inputs=inputs)
    assert (found.output["count"], found.output["sentiments"]["positive"]) == (4, 2)
    for form in ("text", "markdown_report"):
        parameters = {"aggregation": "summarize", "format": form, "title": "Reviews"}
        report = (await run("aggregator", parameters, inputs=inputs)).output
        assert report.startswith("# Reviews\n")
