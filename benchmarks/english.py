"""How much of published descriptions is understood, and how long a sentence takes to read.

The descriptions and their scorer are files of whoever runs it, not of the repository; without
them only the time is measured, on the sentences below.

    python -m benchmarks.english --corpus CORPUS.jsonl --scorer SCORER.py
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figures import spread, write
from compiler.english.parser import parse
from compiler.english.summary import summary

ROUNDS = 5
SENTENCES = (
    "Scrape the reviews at https://example.com, analyze each review and email me a report.",
    "Check https://example.com every 5 minutes. If it is down, alert Slack, otherwise log it.",
    "When an invoice arrives, extract the total. If it exceeds 1000, ask my boss to approve it.",
    "Fetch the news from https://a.example, the weather from https://b.example and combine both.",
)
_ENDS = re.compile(r"[.!?](?=\s|$)|\n+")


def main() -> None:
    """Read the corpus, score it, and write the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--corpus", type=Path, help="Lines of {id, text, …}.")
    options.add_argument("--scorer", type=Path, help="Its scorer, a Python script.")
    given = options.parse_args()
    items = _items(given.corpus) if given.corpus else [{"text": one} for one in SENTENCES]
    figures: dict[str, Any] = {"descriptions": len(items)}
    figures["a_sentence"] = _times([item["text"] for item in items])
    print(f"a sentence: {figures['a_sentence']}")
    if given.corpus and given.scorer:
        figures["scores"] = _scores(items, given.corpus, given.scorer)
    claim = "a sentence is read offline in less than 10 ms"
    print(write("english", claim, figures, packages=("pydantic",)))


def _items(corpus: Path) -> list[dict[str, Any]]:
    lines = corpus.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _times(texts: list[str]) -> dict[str, dict[str, float]]:
    """Return the spread of milliseconds a sentence, by the clock and of the processor.

    The best of a few readings of each description, so that whatever else runs here counts little.
    """
    parse(texts[0])
    by_clock = [_time(text, time.perf_counter) for text in texts]
    of_processor = [_time(text, time.process_time) for text in texts]
    return {"clock": spread(by_clock), "processor": spread(of_processor)}


def _time(text: str, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(ROUNDS):
        start = clock()
        parse(text)
        taken.append(clock() - start)
    return min(taken) * 1000 / max(1, len(_ENDS.findall(text)))


def _scores(items: list[dict[str, Any]], corpus: Path, scorer: Path) -> dict[str, Any]:
    """Let the scorer judge what was understood; print its table and return it."""
    with tempfile.TemporaryDirectory() as folder:
        predictions, table = Path(folder) / "predictions.jsonl", Path(folder) / "table.json"
        read = [{"id": item["id"], **summary(parse(item["text"]))} for item in items]
        predictions.write_text("".join(f"{json.dumps(line)}\n" for line in read), "utf-8")
        command = [sys.executable, str(scorer), str(predictions), "--corpus", str(corpus)]
        subprocess.run([*command, "--split", "all", "--json", str(table)], check=True)
        found: dict[str, Any] = json.loads(table.read_text(encoding="utf-8"))["table"]
    return found


if __name__ == "__main__":
    main()
