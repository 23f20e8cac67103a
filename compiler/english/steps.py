"""Third stage: what one clause asks for: its action, its agent, its object, its product."""

import re
from dataclasses import dataclass, replace
from functools import cache

from compiler.english.agent_choice import choose_agent
from compiler.english.facts import Facts
from compiler.english.lexicon import Product, lexicon
from compiler.english.normalise import AGENT, CALL, MARK, TOOLS, TOOLS_MARK, Text
from compiler.english.nouns import count_of, each_noun, noun_key, object_phrase, words_of
from compiler.english.ready_agents import base_of
from compiler.english.tool_phrases import WITH_DATA, call_of
from compiler.english.verbs import Opening, acts, is_human, read_opening, strip_leading

_WAIT = re.compile(
    r"(?:wait|pause|delay|sleep|hold)s? (?:on )?(?:for |by )?(?:at least |about |another )?"
    r"(?:\d+|an?|one|two|three|four|five|six|seven|ten|fifteen|thirty) (?:second|minute"
    r"|hour|day|week)s?\b",
    re.IGNORECASE,
)
_FOR_JOB = re.compile(
    r"waits? (?:for|until) (?:its |the |their )?(?:[\w-]+ )?(?:completion|results?)\b|waits?"
    r" (?:for|until) (?:it|them|the|all|each|its|their|completion)\b(?:"
    r" (?!approval)[\w-]+){0,4}?"
    r" ?(?:to |is |are |has |have )?(?:be )?(?:complet\w*|finish\w*|done|ready|ends?"
    r"|succeeds?|available)\b",
    re.IGNORECASE,
)
_WITH_MODEL = re.compile(
    r"\b(?:with|using|via|by) (?:an? |the )?(?:[\w-]+ )?(?:llm|ai|gpt\S*|claude|gemini|openai"
    r"|chatgpt|agent)\b",
    re.IGNORECASE,
)
_INTO = re.compile(r"\b(?:in|into|to|on) (?:the |a |my |our )?[A-Z]")
_JUDGES = re.compile(
    r"\bto (?:determine|decide|see|assess|find out|identify|tell) (?:if|whether|which|what|how)\b",
    re.IGNORECASE,
)
_PEOPLE = re.compile(r"\b(?:approv\w*|review\w*|human|person|manager|token)\b", re.IGNORECASE)
_MODEL = re.compile(
    r"\b(?:agent|llm|model|ai|bot|gpt\S*|claude|gemini|chatgpt|openai|anthropic|mistral)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, read from one clause."""

    text: str
    """The clause as written, without leading words."""
    marked: str
    """The same with its literals marked."""
    action: str
    agent: str
    verb: str
    rest: str
    """What follows the verb, marked."""
    phrase: str
    """The object: the noun phrase after the verb, marked."""
    noun: str | None
    """The object's name, snake_case; None when it only points back ("it", "the results")."""
    each: str | None
    """The noun after "each"; "" when it names none; None without "each"."""
    parallel: bool
    count: int | None
    product: Product | None
    model: str | None
    urls: tuple[str, ...]
    emails: tuple[str, ...]
    quotes: tuple[str, ...]
    inputs: tuple[str, ...]
    """References such as `{input.city}` that the person wrote."""
    guessed: bool = False
    """The verb is unknown, so a person is asked what it means."""
    own: str = ""
    """The agent that does it, by name: the organization's own, or one of the catalog."""
    tools: tuple[str, ...] = ()
    """Phrases that let a model use tools; see `tool_phrases`."""
    call: str = ""
    """The call of an MCP server's tool, as it is written."""

    @property
    def named(self) -> bool:
        """Whether the text says by name who does it: an agent, or a tool of a server."""
        return bool(self.own or self.call)

    @property
    def role(self) -> str:
        """Whether the step brings data (source), changes it (process) or takes it away (sink)."""
        return lexicon().roles.get(self.action, "control")

    @property
    def words(self) -> frozenset[str]:
        """The words of the clause, lower case, for rules that look at all of them."""
        return frozenset(re.findall(r"[a-z][a-z0-9-]*", self.marked.lower()))


def read_step(clause: str, text: Text, parallel: bool = False) -> Step | None:
    """Return the step that a clause asks for; None when it names no known action."""
    if TOOLS in clause:
        tools = text.literals_in(clause, "tools")
        step = read_step(TOOLS_MARK.sub("", clause), text, parallel)
        return replace(step, tools=tools) if step else None
    told = clause.strip(" ,.!")
    clause = strip_leading(told)
    if CALL in clause and (call := next(iter(text.literals_in(clause, "call")), "")):
        return _call(clause, call, text, parallel)
    if _WAIT.match(clause) or (_FOR_JOB.match(clause) and not _PEOPLE.search(text.marked)):
        return replace(
            _step(clause, text, "approve", "wait", "", parallel), action="wait", agent="wait"
        )
    opening = read_opening(clause, guess=True)
    if AGENT in clause:
        return _own(clause, opening, text, parallel)
    if is_human(clause):
        return _step(clause, text, "approve", "approve", clause, parallel)
    if opening is None or _is_noun(clause, opening):
        nominal = _nominal(clause, text)
        if nominal:
            return _step(clause, text, *nominal, parallel)
    if opening is None:
        return None
    step = _opened(clause, opening, text, parallel)
    if step.verb in ("process", "handle", "review") and _JUDGES.search(step.rest):
        return replace(step, action="analyze", agent="llm")
    led = told[: len(told) - len(clause)]
    return (
        replace(step, action="generate", agent="llm")
        if _is_model_work(step, opening.tool, led)
        else step
    )


def _call(clause: str, call: str, text: Text, parallel: bool) -> Step:
    """Return the call of an MCP server's tool; its noun is what it is given of steps before."""
    mark = MARK.search(clause[clause.index(CALL) :])
    marked, arguments = mark[0] if mark else clause, call_of(call).arguments
    step = _step(marked, text, "transform", "call", arguments, parallel)
    data = WITH_DATA.search(arguments)
    noun = data["what"].lower() if data else None
    each = each_noun(clause)
    return replace(step, agent="mcp", call=call, product=None, own="", noun=noun, each=each)


def _own(clause: str, opening: Opening | None, text: Text, parallel: bool) -> Step:
    """Return the step of an organization's own agent, whatever its words would ask of others."""
    if opening is None:
        return _step(clause, text, "transform", "process", clause, parallel)
    return _opened(clause, opening, text, parallel)


def _is_model_work(step: Step, tool: str, led: str) -> bool:
    """Whether a model does what looks like work of a service: "create the plan with Claude".

    Args:
        step: What was read.
        tool: What "use … to" names.
        led: The leading words: "has an agent (sort them)".
    """
    if step.action == "create":
        media = lexicon().words("media").intersection(words_of(step.phrase)[-1:])
        by_tool = bool(model_of(tool) or _MODEL.search(tool)) and not media
        made = step.verb in ("create", "make", "build") and not _INTO.search(step.rest)
        if by_tool or (made and _WITH_MODEL.search(step.rest)):
            return True
    worked = (
        step.agent == "data_processing" or step.guessed or step.verb in ("process", "handle", "run")
    )
    if worked and _WITH_MODEL.search(step.rest):
        return True
    told = _MODEL.search(led) is not None
    reads = step.role == "source" and step.agent == "api" and not step.product
    return told and ((step.role == "process" and step.agent != "llm") or reads)


def _is_noun(clause: str, opening: Opening) -> bool:
    """Whether the word that could be a verb is a noun here: "report", "reviews at …"."""
    if not opening.verb.is_noun or opening.gerund or acts(opening):
        return False
    return not opening.rest or clause.split()[0].lower() != opening.verb.base.split()[0]


def _opened(clause: str, opening: Opening, text: Text, parallel: bool) -> Step:
    rest = f"{opening.rest} with {opening.tool}".strip() if opening.tool else opening.rest
    if opening.verb.base == "turn" and re.search(r"\binto\b", rest):
        rest = re.split(r"\binto\b", rest, maxsplit=1)[1].strip()
    marked = f"{opening.verb.base} {rest}" if opening.tool or opening.gerund else clause
    action, verb = opening.verb.action, opening.verb.base
    if verb in lexicon().words("light_verbs"):
        head = re.findall(r"[a-z-]+", object_phrase(rest).lower())[-1:]
        named: dict[str, str] = lexicon().names("nominal")
        action = named.get(head[0], action) if head else action
        action = "analyze" if head == ["check"] else action
    step = _step(marked, text, action, verb, rest, parallel)
    return replace(step, guessed=opening.guessed and step.product is None and not step.own)


def _step(marked: str, text: Text, action: str, verb: str, rest: str, parallel: bool) -> Step:
    product = _product(marked, action)
    phrase = object_phrase(rest)
    facts = Facts(verb, rest, tuple(words_of(phrase)), product, text, marked)
    action, agent = choose_agent(action, facts)
    own = next(iter(text.literals_in(marked, "agent")), "") if AGENT in marked else ""
    if own:
        action, agent, product = _own_action(action), _block_of(own), None
    return Step(
        text=text.restore(marked),
        marked=marked,
        action=action,
        agent=agent,
        verb=verb,
        rest=rest,
        phrase=phrase,
        noun=noun_key(_without_product(phrase, product)),
        each=each_noun(rest),
        parallel=parallel,
        count=count_of(rest),
        product=product,
        model=model_of(marked),
        urls=text.literals_in(marked, "url"),
        emails=text.literals_in(marked, "email"),
        quotes=text.literals_in(marked, "quote"),
        inputs=text.literals_in(marked, "reference"),
        own=own,
    )


def _block_of(own: str) -> str:
    """Return the building block as which a named agent is read; a ready one has its own."""
    base = base_of(own)
    return "llm" if base == own else base


def _own_action(action: str) -> str:
    """Return what an own agent does: what its verb says, unless only a person or the engine can."""
    return action if action in lexicon().roles else "transform"


def _nominal(clause: str, text: Text) -> tuple[str, str, str] | None:
    """Return action, verb and object of a clause without a verb, such as "sentiment analysis"."""
    phrase = object_phrase(clause)
    words = re.findall(r"[a-z][a-z-]*", phrase.lower())
    nouns: dict[str, str] = lexicon().names("nominal")
    if words and len(words) <= 6 and words[-1] in nouns and "of" not in words:
        action = nouns[words[-1]]
        named = action in ("generate", "summarize", "check", "notify") or len(words) == 1
        return (
            action,
            action,
            clause if named else _without_head(clause, phrase.split()[-1]),
        )
    product = _product(clause, "send")
    if product and len(clause.split()) <= 4:
        return (
            ("send", "send", clause)
            if product.kind in ("api", "email")
            else ("store", "store", clause)
        )
    if words and len(words) <= 6 and text.literals_in(clause, "url"):
        return "scrape", "scrape", clause
    return None


def _without_head(clause: str, head: str) -> str:
    """Return what is left of "a translation to Polish" without the noun that is the deed."""
    rest = re.sub(r"\s+", " ", clause.replace(head, "", 1)).strip()
    return re.sub(r"^(?:an?|the)(?: |$)", "", rest, flags=re.IGNORECASE)


@cache
def _models() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    return tuple(
        (
            re.compile(rf"(?<!\w){entry['pattern']}", re.IGNORECASE),
            entry["model"],
            entry.get("bare", ""),
        )
        for entry in lexicon().names("models")
    )


def model_of(text: str) -> str | None:
    """Return the language model that a text names, as an agent's `model` parameter says it."""
    for pattern, model, bare in _models():
        match = pattern.search(text)
        if match:
            group = match[1] if match.groups() else None
            if group is None and "{0}" in model:
                return bare
            return model.format((group or "").lower().rstrip("."))
    return None


def _product(marked: str, action: str) -> Product | None:
    """Return the service that the clause is about: of several, the one the action goes to."""
    words = lexicon()
    common = frozenset(words.names("common_names"))
    found: list[tuple[int, Product]] = []
    for match in words.product_pattern.finditer(marked):
        name, following = match[1], marked[match.end() :].split()[:1]
        product = words.products[name.lower()]
        product = replace(product, name=name) if not name.islower() else product
        capital = name[:1].isupper() and match.start() > 0
        thing = bool(following) and following[0].lower().strip(",.") in ("folder", "file", "files")
        if product.kind != "llm" and (name.lower() not in common or capital or thing):
            found.append((match.start(), product))
    if not found:
        return None
    target = r"\b(?:to|into|in|on|via|with|using|through)(?: [\w'-]+){0,3}? $"
    aimed = [p for start, p in found if re.search(target, marked[:start], re.IGNORECASE)]
    role = words.roles.get(action)
    if role == "sink" and aimed:
        return aimed[-1]
    return found[0][1] if role != "sink" else found[-1][1]


def _without_product(phrase: str, product: Product | None) -> str:
    return lexicon().product_pattern.sub("", phrase).strip() if product else phrase
