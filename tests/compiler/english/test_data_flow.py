"""Which step reads what, what outputs are called, and what the caller must give."""

import pytest

from tests.compiler.english.conftest import AgentsOf, Understand


def test_pronouns_and_nouns_find_their_producers(understand: Understand) -> None:
    """A named noun goes before what was made last."""
    specification = understand(
        "Scrape articles from http://a.example/n, summarize them, extract the keywords from the "
        "articles, and email the summary and the keywords to me"
    )
    scrape, summary, keywords, email = specification.nodes
    assert summary.input_keys == (scrape.key,) == ("articles",)
    assert keywords.input_keys == ("articles",)
    assert email.input_keys == ("summary", "keywords")
    assert "{summary}" in email.parameters["body"]
    assert "{keywords}" in email.parameters["body"]


def test_items_are_taken_from_the_next_step(understand: Understand) -> None:
    """A page without a named content is searched for what the next step speaks of."""
    specification = understand("Scrape http://a.example/x, then summarize each headline")
    assert specification.nodes[0].parameters["items"] == "headlines"
    assert specification.nodes[0].key == "headlines"


def test_ids_and_keys_are_unique(understand: Understand) -> None:
    """Steps of the same kind are numbered."""
    specification = understand(
        "Summarize the notes, email it to a@b.co, summarize the notes, email it to c@d.co"
    )
    assert [node.id for node in specification.nodes] == [
        "summarize_notes",
        "send_email",
        "summarize_notes_2",
        "send_email_2",
    ]
    assert specification.nodes[2].key == "summary_2"
    assert specification.nodes[3].input_keys == ("summary_2",)


@pytest.mark.parametrize(
    ("words", "model"),
    [
        ("with gpt-4", "gpt-4"),
        ("using GPT-3.5", "gpt-3.5"),
        ("with GPT-4.1-mini", "gpt-4.1-mini"),
        ("with gpt-4o", "gpt-4o"),
        ("with Claude", "claude-sonnet"),
        ("with Claude Opus", "claude-opus"),
        ("using claude sonnet", "claude-sonnet"),
        ("with LLM", None),
    ],
)
def test_models(understand: Understand, words: str, model: str) -> None:
    """A model's name goes into the parameter and out of the prompt."""
    parameters = understand(f"Summarize the notes {words}").nodes[0].parameters
    assert parameters.get("model") == model
    assert parameters["prompt"] == "Summarize the notes.\n\nNotes:\n{input.notes}"


def test_use_of_a_tool_is_read_as_its_step(understand: Understand) -> None:
    """A sentence that uses X to do Y is Y with X."""
    specification = understand("Use GPT-4 to summarize the notes, then email them to me")
    assert specification.nodes[0].parameters["model"] == "gpt-4"


def test_what_the_text_leaves_open_is_an_input(understand: Understand) -> None:
    """A first step without data reads it from the execution's input, which is declared."""
    specification = understand("Translate the contract to French and email it to me")
    schema = specification.state_schema.input
    assert schema["required"] == ["contract"]
    assert "{input.contract}" in specification.nodes[0].parameters["prompt"]


def test_written_references_are_inputs(understand: Understand) -> None:
    """A reference to the input that a person writes is declared and keeps its place."""
    specification = understand("Scrape {input.page}, summarize it and email it to {input.boss}")
    assert specification.nodes[0].parameters["url"] == "{input.page}"
    assert specification.nodes[2].parameters["to"] == "{input.boss}"
    assert set(specification.state_schema.input["properties"]) == {"page", "boss"}


def test_quotes_subjects_and_copies(understand: Understand) -> None:
    """Quoted words are the message, a subject is the subject, cc is a copy."""
    specification = understand(
        'Email "The build is done" to a@b.co, cc c@d.co, with subject "Build"'
    )
    assert specification.nodes[0].parameters == {
        "to": "a@b.co",
        "cc": ["c@d.co"],
        "subject": "Build",
        "body": "The build is done",
    }


def test_lists_are_filtered_sorted_and_cut(understand: Understand) -> None:
    """Declarative forms are used where the text says the field."""
    specification = understand(
        "Scrape jobs from http://a.example/j, filter jobs with salary above 50000, "
        "sort them by salary descending, pick the top 5 jobs and email them to me"
    )
    filtered, ordered, first = (node.parameters for node in specification.nodes[1:4])
    assert filtered == {"operation": "filter", "where": "item.salary > 50000"}
    assert ordered == {"operation": "sort", "sort_by": "salary", "descending": True}
    assert first == {"operation": "transform", "limit": 5}


@pytest.mark.parametrize(
    ("words", "agent", "part"),
    [
        ("post it to Slack", "api", "{secrets.slack_webhook_url}"),
        ("post it to #dev in Slack", "slack_post_message", "{secrets.slack_token}"),
        ("send it to Microsoft Teams", "api", "{secrets.teams_webhook_url}"),
        ("create a GitHub issue", "github_create_issue", "{input.github_repo}"),
        ("save it to Notion", "notion_create_page", "{input.notion_database_id}"),
        ("add it to Google Sheets", "google_sheets_append_rows", "{secrets.google_token}"),
        ("save it to the notes table", "database", "INSERT INTO notes "),
        ("save it to the database table notes", "database", "INSERT INTO notes "),
        ("email it to a@b.co", "email", "a@b.co"),
    ],
)
def test_services(understand: Understand, words: str, agent: str, part: str) -> None:
    """A service that is known needs no question, only its secret."""
    node = understand(f"Summarize the text and {words}").nodes[1]
    assert node.agent == agent
    assert part in str(node.parameters)
    assert "{summary}" in str(node.parameters)


def test_service_is_read_before_it_is_summarized(
    understand: Understand, agents_of: AgentsOf
) -> None:
    """Data of a service is fetched first when no step before did it."""
    specification = understand("Summarize the open GitHub issues and email the summary to me")
    assert agents_of(specification) == ["github_list_issues", "llm", "email"]
    assert specification.nodes[1].input_keys == ("issues",)
    assert "{issues.issues}" in specification.nodes[1].parameters["prompt"]


def test_counting_by_sentiment(understand: Understand) -> None:
    """Counting the negative ones counts those alone."""
    specification = understand(
        "Scrape http://a.example/r, analyze the sentiment of each review and count the negative "
        "ones"
    )
    assert "'negative'" in specification.nodes[2].parameters["custom_script"]


def test_each_of_an_input_is_a_list_and_all_of_them_are_sent_once(
    understand: Understand,
) -> None:
    """The step runs for each element of the input; who sends "the poems" sends all of them."""
    for text in (
        "For each topic in {input.topics}, write a short poem and email me the poems",
        "Write a poem for each topic in {input.topics}, then email all poems to me",
    ):
        write, send = understand(text).nodes
        assert (write.pattern, write.input_keys) == ("map", ("input.topics",))
        assert (send.pattern, send.input_keys) == (None, ("poems",))


def test_a_noun_of_a_deed_gives_a_whole_prompt(understand: Understand) -> None:
    """“A translation to Polish” asks to translate what came before to Polish."""
    specification = understand("Fetch the page https://a.example/p → a translation to Polish")
    (prompt,) = [n.parameters["prompt"] for n in specification.nodes if n.agent == "llm"]
    assert prompt.startswith("Translate the following page content to Polish:")
