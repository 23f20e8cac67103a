"""The outside world of the demonstration: a shop that speaks HTTP, a mailbox that speaks SMTP."""

import asyncio
import json
import smtplib
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from selectolax.lexbor import LexborHTMLParser

from serve.demo_world import PAGE_SIZE, World, load_reviews, open_world, render_page
from tests.eventually import eventually


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Both servers."""
    world = open_world(tmp_path / "mails")
    yield world
    world.close()


def test_the_reviews_are_some_forty_of_every_kind() -> None:
    """Each has an author, stars, a title and a body."""
    reviews = load_reviews()
    assert len(reviews) == 40
    assert {review["stars"] for review in reviews} == {1, 2, 3, 4, 5}
    assert all(review["title"] and review["body"] and review["author"] for review in reviews)


def test_the_pages_hold_every_review_once() -> None:
    """Early pages hold them as elements, later ones as data that a script puts there."""
    reviews, bodies = load_reviews(), []
    for number in range(1, len(reviews) // PAGE_SIZE + 1):
        page = render_page(reviews, number)
        assert page is not None
        tree = LexborHTMLParser(page)
        data = tree.css_first("script#data")
        plain = [node.text() for node in tree.css("article.review p.body")]
        scripted = [r["body"] for r in json.loads(data.text())] if data else []
        assert len(plain) + len(scripted) == PAGE_SIZE
        assert not (plain and scripted)
        bodies += plain + scripted
    assert bodies == [review["body"] for review in reviews]
    assert render_page(reviews, 0) is None
    assert render_page(reviews, 5) is None


def test_a_reader_gets_from_page_to_page(world: World) -> None:
    """`rel=next` leads through all pages; the last one has none."""
    path: str | None = "/"
    seen = []
    with httpx.Client(base_url=world.site_url) as client:
        while path:
            answer = client.get(path)
            assert answer.headers["content-type"].startswith("text/html")
            seen.append(path)
            following = LexborHTMLParser(answer.text).css_first("a[rel=next]")
            path = following.attributes["href"] if following else None
        for wrong in ("/other", "/?page=0", "/?page=9", "/?page=²", "/?page=x"):
            assert client.get(wrong).status_code == 404
    assert len(seen) == 4


def test_mails_are_kept_as_files(world: World) -> None:
    """Each mail that is sent is one file, whole."""
    with smtplib.SMTP("127.0.0.1", world.smtp_port) as smtp:
        for subject in ("First", "Second"):
            mail = EmailMessage()
            mail["From"], mail["To"] = "weft@example.com", "ops@example.com"
            mail["Subject"] = subject
            mail.set_content("Grüße")
            smtp.send_message(mail)
    files = sorted(world.mail_folder.iterdir())
    assert [file.name for file in files] == ["0001.eml", "0002.eml"]
    assert b"Subject: Second" in files[1].read_bytes()


async def test_it_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    """It says where it is, serves, and ends when it is told to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serve.demo_world", str(tmp_path), cwd=Path(__file__).parents[2]
    )
    told = tmp_path / "world.json"
    try:
        await eventually(told.exists, 20)
        async with httpx.AsyncClient() as client:
            page = await client.get(json.loads(told.read_text())["site_url"])
        assert "Aurora" in page.text
    finally:
        process.terminate()
    assert await process.wait() == 0
