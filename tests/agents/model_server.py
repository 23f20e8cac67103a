"""A server that speaks OpenAI's and Anthropic's wire formats and misbehaves on demand."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.agents.thread import in_a_thread
from tests.agents.website import Asked, Reply, Site, json_reply, open_site

Format = Literal["openai", "anthropic"]
PATHS: Mapping[str, Format] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}
INPUT_TOKENS, OUTPUT_TOKENS = 1000, 100

Behaviour = Callable[[Format, str], Reply]
"""One answer, in a format, of the model that was asked for."""


def _openai(model: str, finish: str, **message: Any) -> Reply:
    return json_reply(
        {
            "id": "c1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{"index": 0, "finish_reason": finish,
                         "message": {"role": "assistant", "content": None, **message}}],
            "usage": {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS,
                      "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS},
        }
    )  # fmt: skip


def _anthropic(model: str, stop: str, *content: Any) -> Reply:
    return json_reply(
        {
            "id": "m1", "type": "message", "role": "assistant", "model": model,
            "content": list(content), "stop_reason": stop, "stop_sequence": None,
            "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
        }
    )  # fmt: skip


def answers(arguments: Mapping[str, Any]) -> Behaviour:
    """The answer as the model is asked to give it: a call of the tool `answer`."""

    def reply(format: Format, model: str) -> Reply:
        if format == "anthropic":
            call = {"type": "tool_use", "id": "t1", "name": "answer", "input": dict(arguments)}
            return _anthropic(model, "tool_use", call)
        return openai_call(model, json.dumps(arguments))

    return reply


def calls_tool(name: str, arguments: str, *more: tuple[str, str]) -> Behaviour:
    """An answer that wants tools called, each with arguments as they are written."""
    wanted = [(name, arguments), *more]

    def reply(format: Format, model: str) -> Reply:
        if format == "anthropic":
            uses = [
                {"type": "tool_use", "id": f"t{n}", "name": name, "input": json.loads(text)}
                for n, (name, text) in enumerate(wanted)
            ]
            return _anthropic(model, "tool_use", *uses)
        calls = [
            {"id": f"t{n}", "type": "function", "function": {"name": name, "arguments": text}}
            for n, (name, text) in enumerate(wanted)
        ]
        return _openai(model, "tool_calls", tool_calls=calls)

    return reply


def obeys(server: "ModelServer") -> Behaviour:
    """A model that does what the texts say that it has just been given.

    `CALL tool {arguments}` makes it call a tool, `SAY text` answer with a text; a line each.
    """

    def reply(format: Format, model: str) -> Reply:
        text = _just_given(server.asked[-1][1]["messages"])
        lines = [line.strip() for line in text.replace("\\n", "\n").splitlines()]
        commands = [line.split(" ", 2)[1:] for line in lines if line.startswith("CALL ")]
        if commands:
            wanted = [(name, _json_at(rest)) for name, rest in commands]
            return calls_tool(*wanted[0], *wanted[1:])(format, model)
        said = [line.removeprefix("SAY ") for line in lines if line.startswith("SAY ")]
        return says("\n".join(said) or "Done.")(format, model)

    return reply


def _just_given(messages: list[Any]) -> str:
    """Return the texts of all messages after the model's own last one."""
    new: list[str] = []
    for message in reversed(messages):
        if message["role"] == "assistant":
            break
        content = message["content"]
        parts = [content] if isinstance(content, str) else content
        new += [part if isinstance(part, str) else _text_of(part) for part in parts]
    return "\n".join(reversed(new))


def _text_of(part: Any) -> str:
    content = part.get("text") or part.get("content") or ""
    return content if isinstance(content, str) else "\n".join(map(_text_of, content))


def _json_at(text: str) -> str:
    """Return the JSON at the beginning of a text, as it is or as it stands inside of JSON."""
    for form in (text, text.replace('\\"', '"')):
        try:
            return json.dumps(json.JSONDecoder().raw_decode(form)[0])
        except ValueError:
            continue
    return text


def openai_call(model: str, arguments: str) -> Reply:
    """A call of the tool `answer` with arguments as they are written."""
    function = {"name": "answer", "arguments": arguments}
    calls = [{"id": "t1", "type": "function", "function": function}]
    return _openai(model, "tool_calls", tool_calls=calls)


def malformed(format: Format, model: str) -> Reply:
    """Arguments that are no JSON; Anthropic's are an object, so there it is a text instead."""
    if format == "anthropic":
        return says("{'name': Half a")(format, model)
    return openai_call(model, '{"name": "Half a')


def says(text: str) -> Behaviour:
    """An answer in words, without the tool."""

    def reply(format: Format, model: str) -> Reply:
        if format == "anthropic":
            return _anthropic(model, "end_turn", {"type": "text", "text": text})
        return _openai(model, "stop", content=text)

    return reply


def refuses(format: Format, model: str) -> Reply:
    """What the providers answer when the model will not."""
    if format == "anthropic":
        return _anthropic(model, "refusal")
    return _openai(model, "stop", refusal="I cannot help with that.")


def fails(status: int, **headers: str) -> Behaviour:
    """An error of the provider."""

    def reply(format: Format, model: str) -> Reply:
        error = {"type": "x", "message": "no"}
        return json_reply({"type": "error", "error": error}, status, **headers)

    return reply


def stalls(format: Format, model: str) -> Reply:
    """The request is taken and never answered."""
    return Reply(hang=True)


def stops_half_way(format: Format, model: str) -> Reply:
    """Headers and half of the body, and then nothing."""
    whole = says("x" * 400)(format, model)
    return Reply(whole.body, headers=whole.headers, half=True)


def is_garbage(format: Format, model: str) -> Reply:
    """A body that is no JSON, as from a proxy that has its own opinion."""
    return Reply('{"id": "c1", "choi', headers={"Content-Type": "application/json"})


PIECE = 7
"""How many characters a piece of a streamed answer has."""


def _in_pieces(format: Format, reply: Reply) -> Reply:
    """Return an answer as it is streamed; one that is none stays as it is."""
    try:
        whole = json.loads(reply.body)
    except ValueError:
        return reply
    if reply.hang or reply.half or reply.status != 200:
        return reply
    events = _anthropic_pieces(whole) if format == "anthropic" else _openai_pieces(whole)
    body = "".join(
        f"event: {event.get('type', 'x')}\ndata: {json.dumps(event)}\n\n" for event in events
    )
    end = "" if format == "anthropic" else "data: [DONE]\n\n"
    return Reply(body + end, headers={"Content-Type": "text/event-stream"})


def _cut(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _openai_pieces(whole: Any) -> Iterator[Any]:
    [choice] = whole["choices"]
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": 1,
            "model": whole["model"]}  # fmt: skip
    calls = [{**call, "index": n} for n, call in enumerate(choice["message"].get("tool_calls", []))]
    deltas = [{"content": piece} for piece in _cut(choice["message"]["content"] or "")]
    for delta in [*deltas, *([{"tool_calls": calls}] if calls else [])]:
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = choice["finish_reason"]
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield {**head, "choices": [], "usage": whole["usage"]}


def _anthropic_pieces(whole: Any) -> Iterator[Any]:
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            start: Any = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in _cut(block["text"])]
        else:
            start = {**block, "input": {}}
            said = json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": said}]
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": whole["usage"]}
    yield {"type": "message_stop"}


@dataclass
class ModelServer:
    """Answers each format by its script, one behaviour after another; the last one stays."""

    site: Site
    scripts: dict[Format, list[Behaviour]] = field(default_factory=dict)
    asked: list[tuple[Format, Any]] = field(default_factory=list)
    """The bodies of all requests, with their formats."""

    def __post_init__(self) -> None:
        for path in PATHS:
            self.site.replies[path] = self._reply

    @property
    def openai_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return self.site.url("/v1")

    @property
    def anthropic_url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return self.site.url("")

    def script(self, format: Format, *behaviours: Behaviour) -> None:
        """Say how the requests of a format are answered from now on."""
        self.scripts[format] = list(behaviours)

    def of(self, format: Format) -> list[Any]:
        """Return the bodies that came in a format."""
        return [body for came, body in self.asked if came == format]

    def _reply(self, asked: Asked) -> Reply:
        format = PATHS[asked.path.split("?")[0]]
        body: Any = asked.json
        self.asked.append((format, body))
        script = self.scripts.get(format, [fails(503)])
        behaviour = script.pop(0) if len(script) > 1 else script[0]
        reply = behaviour(format, body["model"])
        return _in_pieces(format, reply) if body.get("stream") else reply


@asynccontextmanager
async def open_model_server() -> AsyncIterator[ModelServer]:
    """Serve on a free loopback port."""
    async with open_site() as site:
        yield ModelServer(site)


@contextmanager
def model_server_in_a_thread() -> Iterator[ModelServer]:
    """Serve beside a test that has no event loop."""
    with in_a_thread(open_model_server()) as server:
        yield server
