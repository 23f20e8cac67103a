"""How steps may be joined: every way of writing gives the same three nodes."""

import pytest

from tests.compiler.english.conftest import AgentsOf, EdgesOf, Understand

_WAYS = [
    "Scrape http://a.example/p → summarize it → email it to me@example.com",
    "Scrape http://a.example/p -> summarize it -> email it to me@example.com",
    "Scrape http://a.example/p => summarize it => email it to me@example.com",
    "Scrape http://a.example/p ➜ summarize it ➜ email it to me@example.com",
    "scrape http://a.example/p->summarize it->email it to me@example.com",
    "Scrape http://a.example/p then summarize it then email it to me@example.com",
    "Scrape http://a.example/p, and then summarize it, and then email it to me@example.com.",
    "Scrape http://a.example/p, summarize it and email it to me@example.com",
    "Scrape http://a.example/p; summarize it; email it to me@example.com",
    "Scrape http://a.example/p. Summarize it. Finally, email it to me@example.com.",
    "Scrape http://a.example/p\nSummarize it\nEmail it to me@example.com",
    "1. Scrape http://a.example/p\n2. Summarize it\n3. Email it to me@example.com",
    "1) Scrape http://a.example/p 2) Summarize it 3) Email it to me@example.com",
    "- scrape http://a.example/p\n- summarize it\n- email it to me@example.com",
    "Step 1: scrape http://a.example/p\nStep 2: summarize it\nStep 3: email it to me@example.com",
    "First scrape http://a.example/p, next summarize it, and finally email it to me@example.com",
    "Please build a workflow that scrapes http://a.example/p, summarizes it, and emails it to "
    "me@example.com",
    "I want you to scrape http://a.example/p, summarize it and then send it to me@example.com",
    "After scraping http://a.example/p, summarize it and email it to me@example.com",
    "Summarize http://a.example/p and email it to me@example.com",
]


@pytest.mark.requirement("FR-1.1")
@pytest.mark.parametrize("text", _WAYS)
def test_every_joint_gives_the_same_chain(
    understand: Understand, agents_of: AgentsOf, edges_of: EdgesOf, text: str
) -> None:
    """Arrows, words, commas, lines, numbers and whole sentences are joints alike."""
    specification = understand(text)
    assert agents_of(specification) == ["web_scraping", "llm", "email"]
    ids = [node.id for node in specification.nodes]
    assert edges_of(specification) == [(ids[0], ids[1]), (ids[1], ids[2])]
    assert specification.nodes[2].parameters["to"] == "me@example.com"
    assert specification.nodes[2].input_keys == ("summary",)


def test_nouns_after_a_comma_are_not_steps(understand: Understand, agents_of: AgentsOf) -> None:
    """Words that are verbs elsewhere stay nouns in a list of things."""
    specification = understand(
        "Scrape http://a.example/team, extract names, email addresses and phone numbers, "
        "and email them to me"
    )
    assert agents_of(specification) == ["web_scraping", "llm", "email"]
    fields = specification.nodes[1].parameters["json_schema"]["properties"]
    assert list(fields) == ["names", "email_addresses", "phone_numbers"]


def test_punctuation_of_the_sentence_is_not_part_of_a_url(understand: Understand) -> None:
    """A full stop, a comma or a bracket behind a URL is left out of it."""
    specification = understand("Scrape (see http://a.example/x_(y)). Then email it to me@b.co.")
    assert specification.nodes[0].parameters["url"] == "http://a.example/x_(y)"
    assert specification.nodes[1].parameters["to"] == "me@b.co"


def test_bare_domains_are_urls(understand: Understand) -> None:
    """A domain without a scheme is read over https."""
    specification = understand("Scrape shop.example.com/deals and email it to me")
    assert specification.nodes[0].parameters["url"] == "https://shop.example.com/deals"


def test_parts_without_a_verb_are_understood(understand: Understand, agents_of: AgentsOf) -> None:
    """Nouns of actions stand for their steps."""
    specification = understand(
        "Reviews at http://a.example/r → sentiment analysis → report → email to ops@example.com"
    )
    assert agents_of(specification) == ["web_scraping", "llm", "llm", "email"]
    assert specification.nodes[0].parameters["items"] == "reviews"
