"""Parameters of steps that take data away or ask a person: email, api, database, human_loop."""

import re
from typing import Any

from compiler.english.draft import (
    Output,
    OutputKind,
    escaped,
    escaped_url,
    nouns_in,
    unknown_id,
)
from compiler.english.lexicon import lexicon
from compiler.english.messages import copies, message_text, message_title, recipients
from compiler.english.normalise import MARK
from compiler.english.nouns import noun_key, object_phrase, title_of, words_of
from compiler.english.placing import Place, Written, asked_for, choice_of
from compiler.english.reading_steps import (
    bearer,
    connection,
    database_of,
    declare_inputs,
    named_table,
)
from compiler.english.statements import insert_row, is_table
from compiler.inflection import plural, singular

_WITHIN = re.compile(
    r"\b(?:within|in|for(?: up to)?|after|timeout(?: of)?|up to|at most)\s+(?P<n>\d+|an?|one"
    r"|two|three|half an)\s*(?P<unit>second|minute|min|hour|hr|day|week)s?\b",
    re.IGNORECASE,
)
_SECONDS = {
    "second": 1,
    "minute": 60,
    "min": 60,
    "hour": 3600,
    "hr": 3600,
    "day": 86_400,
    "week": 604_800,
}
_BY = re.compile(
    r"\b(?:by|from|of)\s+(?P<who>(?:(?:the|a|an|my|our)\s+)?[A-Za-z][\w-]*(?:\s+(?!(?:within"
    r"|before|after|in|for|and|then|to)\b)[A-Za-z][\w-]*){0,2})|(?:(?:have|let|get|ask"
    r"|has)\s+)(?P<asked>(?:(?:the|a|an|my|our)\s+)?[A-Za-z][\w-]*)|(?P<does>(?:the|a|an|my"
    r"|our)\s+[A-Za-z][\w-]*)\s+(?:to\s+)?(?:approves?|reviews?|signs?|confirms?)",
    re.IGNORECASE,
)


def write_email(place: Place) -> Written:
    """Return the parameters of an email node."""
    parameters: dict[str, Any] = {"to": recipients(place)}
    if copied := copies(place):
        parameters["cc"] = copied
    parameters["subject"] = message_title(place)
    parameters["body"] = message_text(place)
    return Written(parameters)


def write_api_send(place: Place) -> Written:
    """Return the parameters of an api node that sends or changes something."""
    step = place.step
    if step.product and step.product.write and not step.urls:
        recipe = declare_inputs(place, dict(step.product.write))
        body = _filled(recipe["body"], place)
        channel = re.search(r"(?<!\w)#([a-z0-9_-]+)", step.marked, re.IGNORECASE)
        if channel and isinstance(body, dict) and "text" in body:
            body = {"channel": f"#{channel[1]}", **body}
        return Written({**recipe, "body": body})
    method = _method(step.verb)
    parameters: dict[str, Any] = {"url": _url(place), "method": method}
    if step.product:
        parameters["auth"] = bearer(step.product.key)
    if method not in ("GET", "DELETE"):
        parameters["body"] = _body(place)
    return Written(parameters)


def _method(verb: str) -> str:
    if verb in ("delete", "remove", "revoke"):
        return "DELETE"
    return "PATCH" if verb in ("update", "mark", "close", "assign", "set") else "POST"


def _url(place: Place) -> str:
    step = place.step
    given = step.urls or step.inputs
    if given:
        return escaped_url(given[0])
    if step.guessed:
        return place.draft.ask_input(
            unknown_id(step.text),
            f"I do not know how to do “{step.text}”. Say it in other words, or give a URL to call.",
            f"{place.node_id}_url",
            suggestions=("scrape …", "summarize …", "email … to …"),
        )
    place_name = step.product.name if step.product else "the service"
    name = step.product.key if step.product else place.node_id
    return place.draft.ask_input(
        f"{place.node_id}.url",
        f"Which URL of {place_name} should “{step.text}” call?",
        f"{name}_url",
    )


def _body(place: Place) -> Any:
    reading = place.reading
    if any(url.startswith("https://hooks.slack.com") for url in place.step.urls):
        return {"text": message_text(place)}
    if reading.mapped:
        return {reading.outputs[0].item: f"{{{reading.outputs[0].item}}}"}
    if reading.outputs:
        return {o.key.rpartition(".")[2]: f"{{{o.value}}}" for o in reading.outputs}
    return {"text": message_text(place)}


def _filled(value: Any, place: Place) -> Any:
    """Return a product's body with its `$text` and `$title` replaced."""
    if isinstance(value, dict):
        return {key: _filled(inner, place) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, place) for inner in value]
    if value == "$data" and place.reading.outputs:
        first = place.reading.outputs[-1]
        return f"{{{first.item if place.reading.mapped else first.value}}}"
    if value in ("$text", "$data"):
        return message_text(place)
    return message_title(place) if value == "$title" else value


def write_store(place: Place) -> Written:
    """Return the parameters of a database node that writes a row."""
    database = database_of(place)
    if database == "redis":
        query = place.draft.ask(
            f"{place.node_id}.query",
            "Which Redis command is meant?",
            default="PING",
            suggestions=("SET name $1",),
        )
        return Written({"database": database, **connection(database), "query": escaped(query)})
    last = place.reading.outputs[-1] if place.reading.outputs else None
    columns, values = _row(place, last)
    table = named_table(place.step.marked) or _table(place, last)
    if database == "mongodb":
        document = {column: f"${number}" for number, column in enumerate(columns, start=1)}
        insert = {"insert": table, "documents": [document]}
        parameters = {"database": database, **connection(database), "query": insert}
        return Written({**parameters, "params": values, "read_only": False})
    query = insert_row(table, columns, "timestamp" if columns == ["status"] else "created_at")
    return Written({"database": database, "query": query, "params": values})


def _row(place: Place, last: Output | None) -> tuple[list[str], list[str]]:
    if last and last.task == "uptime":
        return ["status"], [f"{{{last.key}.status_code}}"]
    outputs = place.reading.outputs
    if place.reading.mapped:
        return ["data"], [f"{{{outputs[0].item}}}"]
    if len(outputs) > 1:
        names = [output.key.rpartition(".")[2] for output in outputs]
        return names, [f"{{{output.value}}}" for output in outputs]
    if last:
        return ["data"], [f"{{{last.value}}}"]
    return ["message"], [message_text(place)]


def _table(place: Place, last: Output | None) -> str:
    if last and last.task == "uptime":
        return f"{last.key.removesuffix('_status')}_logs"
    words = [
        w
        for w in words_of(place.step.phrase)
        if w not in lexicon().generic and w not in ("database", "db")
    ]
    noun = (
        singular(words[-1])
        if words
        else singular(last.key.rpartition(".")[2])
        if last
        else "record"
    )
    table = f"{noun}_logs" if place.step.verb == "log" else plural(re.sub(r"\W", "_", noun))
    answer = place.draft.ask(
        f"{place.node_id}.table",
        f"Which table should “{place.step.text}” write to?",
        default=table,
        suggestions=(table,),
        required=False,
    )
    return answer if is_table(answer) else table


def write_human(place: Place) -> Written:
    """Return the parameters of a human_loop node."""
    marked = place.step.marked
    asked, choice = asked_for(marked), choice_of(marked)
    parameters: dict[str, Any] = {}
    noun = "approval"
    if choice:
        options = [escaped(option) for option in _options(place.text.restore(choice))]
        parameters = {"approval_type": "multiple_choice", "options": options}
        message, noun = "Choose one", "choice"
    elif asked:
        what = escaped(place.text.restore(asked)).strip(" .")
        parameters = {"approval_type": "text_input"}
        message = f"Please give {what}"
        noun = noun_key(object_phrase(asked)) or "answer"
    else:
        parameters = {"approval_type": "approve_reject"}
        message = _request_for(place)
    parameters = {"message": _with_data(message, place), **parameters, **_timeout(marked)}
    key = place.draft.new_key(noun)
    kind: OutputKind = "approval" if noun == "approval" else "answer"
    return Written(parameters, Output(key, kind, nouns_in(noun), place.node_id))


def _request_for(place: Place) -> str:
    match = _BY.search(place.step.marked.removeprefix("approval: "))
    who = (match["who"] or match["asked"] or match["does"] or "") if match else ""
    who = re.sub(r"^(?:the|a|an|my|our)\s+", "", who, flags=re.IGNORECASE)
    nobody = {
        "me",
        "us",
        "human",
        "someone",
        "it",
        "approval",
        "i",
        "we",
        "person",
        "review",
        "user",
    }
    for_whom = f" ({escaped(who)})" if who and who.lower() not in nobody else ""
    last = place.reading.outputs[-1:]
    noun = last[0].noun if last and last[0].key != "input" else "next step"
    return f"Please review and approve the {noun}{for_whom}"


def _with_data(message: str, place: Place) -> str:
    data = [output for output in place.reading.outputs if output.kind != "approval"]
    if not data:
        return f"{message}."
    return f"{message}.\n\n" + "\n\n".join(f"{title_of(o.noun)}:\n{{{o.value}}}" for o in data)


def _options(text: str) -> list[str]:
    parts = re.split(r",\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+|/", text.strip(" ."))
    return [MARK.sub("", part).strip(" \"'") for part in parts if part.strip(" \"'")]


def _timeout(marked: str) -> dict[str, Any]:
    match = _WITHIN.search(marked)
    if not match:
        return {}
    word = match["n"].lower()
    number = 0.5 if word.startswith("half") else lexicon().names("numbers").get(word) or int(word)
    return {"timeout": int(number * _SECONDS[match["unit"].lower()])}
