"""Agents told by their roles: "a planner splits the work, three workers research it".

A role that acts is an agent only in a text that speaks of agents; elsewhere an editor is a person.
"""

import re
from functools import cache

from compiler.english.lexicon import lexicon
from compiler.english.verbs import read_opening

_SPOKEN_OF = re.compile(
    r"\b(?:(?:sub-?)?agents?|workers?|coordinator|orchestrator|multi-agent|llms|crew|swarm)\b",
    re.IGNORECASE,
)
_MODAL = r"(?:then |first |should |will |must |can |shall )*"
_ORDINAL = r"(?:first|second|third|fourth|fifth|final|last|next|other|separate|dedicated|single)"
_MOST = 8


@cache
def _acting() -> re.Pattern[str]:
    roles = "|".join(sorted(lexicon().words("roles"), key=len, reverse=True))
    return re.compile(
        rf"(?P<front>^|[.;:!?]\s+|,\s+(?:and |then |while |finally )?|\s(?:and|then|while|where"
        rf"|which|that)\s|\n\s*(?:[-*•]\s*|\d+[.)]\s*)?)"
        rf"(?:(?:an?|the|one|another|several|multiple|many|some|various|specialized|specialist"
        rf"|all|each|every) (?:[\w-]+ ){{0,2}}?(?:{roles})(?: agents?| workers?| llms?)?"
        rf"|(?:worker|specialist|specialized|research|expert|sub-?) ?agents"
        rf"|(?:an?|the) {_ORDINAL}(?: (?:one|agent|worker|llm|{roles}))?)"
        rf" {_MODAL}(?=(?P<verb>[a-z-]+) (?P<rest>\S.*))",
        re.IGNORECASE,
    )


_CREW = re.compile(
    r"^(?:(?:launch|run|start|spawn|use|orchestrate|deploy|create|invoke|spin up|kick off"
    r"|call)(?:e?s)? )?(?P<number>\d|two|three|four|five|six|seven|eight) (?:[\w-]+ ){0,2}?"
    r"(?:agents|workers|llms|models|reviewers|sub-?agents|researchers|analysts)(?: workflows)?"
    r"(?: (?:run|work|operate|act)(?= in| sim| con| at))?(?: in parallel| simultaneously|"
    r" concurrently| at the same time)*"
    r",? (?:that |which |to |who |and )?(?:each |all |independently |separately"
    r" )*(?=(?P<deed>[a-z-]+"
    r" .+)$)",
    re.IGNORECASE,
)


_HANDED = re.compile(
    r"\b(?:hand|give|pass|send|assign|delegate)s? (?P<what>(?:each|every|the) [\w-]+|it|them) to"
    r" (?:an?|one|its own) (?:[\w-]+ ){0,2}?(?:agent|worker|llm) (?:that|which|who)"
    r" (?=[a-z]+s (?:an?|the|it|them|its)\b)",
    re.IGNORECASE,
)


def cast(text: str) -> str:
    """Return the text with every role that acts as "one agent": the planner, the second one."""
    if not _SPOKEN_OF.search(text):
        return text
    return _acting().sub(_as_agent, _HANDED.sub(_as_taker, text))


def _as_taker(match: re.Match[str]) -> str:
    """Turn "hands each topic to a worker that writes …" into what the worker does."""
    every = re.match(r"(?:each|every) ", match["what"], re.IGNORECASE)
    return f"for {match['what']}, one agent " if every else "one agent "


def _as_agent(match: re.Match[str]) -> str:
    verb = lexicon().verbs.get(match["verb"].lower())
    plain = verb is None or match["verb"].lower().endswith("ing")
    if plain or (verb and verb.base in ("use", "work", "leverage", "run", "operate")):
        return match[0]
    return f"{match['front']}one agent "


_ASKED = re.compile(
    r"^(?:ask|query|prompt|call)s? (?P<number>\d|two|three|four|five) (?:[\w-]+ )?(?:models|llms"
    r"|agents) (?P<deed>(?:the|a|for|about|to)\b.+)$",
    re.IGNORECASE,
)


_LISTED_AGENTS = re.compile(
    r"^(?P<deed>.*?\b(?:to|among|between|with|using|of|called|named|:)) (?P<agents>(?:an?|the)"
    r" [\w -]+? (?:agent|worker|specialist|llm)"
    r"(?:,\s*(?:and\s+)?(?:an?|the) [\w -]+? (?:agent|worker|specialist|llm))*,? and (?:an?|the)"
    r" [\w -]+? (?:agent|worker|specialist|llm))\b",
    re.IGNORECASE,
)


_ROLES = {
    "researcher": "research",
    "analyst": "analyze",
    "writer": "write about",
    "reviewer": "assess",
    "translator": "translate it into",
    "summarizer": "summarize",
}
_ASSIGNED = re.compile(
    r"^(?:launch|run|start|spawn|use|orchestrate|deploy|create|invoke|spin up|kick off|call|have"
    r"|let|(?:fan|split|send|hand|delegate|distribute|give|pass)s?(?: out)? (?:an?|the|it"
    r"|this)(?: [\w-]+){0,3}? to"
    r")?(?:e?s)? ?(?P<number>\d|two|three|four|five|six|several|multiple|parallel|separate)"
    rf" (?:[\w-]+ )?(?P<role>{'|'.join(_ROLES)}|agent|worker|llm|model)s"
    r"(?: in parallel| simultaneously| concurrently| at the same time)*"
    r" (?:(?:each )?(?:on|for|about|covering)|to cover|look(?:ing)? (?:at|into))"
    r" (?P<topics>[^;:]+)$",
    re.IGNORECASE,
)


_ASKS_EACH = re.compile(
    r"^(?:ask|query|prompt|call)s? (?P<names>[A-Z][\w.-]*(?:(?:, (?:and )?| and )[A-Z][\w.-]*)+)"
    r" (?=(?P<deed>(?:the|a"
    r"|for|about|to)\b.+)$)",
)


def assigned(clause: str) -> list[str]:
    """Return what each of several agents does that are told by names or topics, one by one."""
    if asked := _ASKS_EACH.match(clause[:1].lower() + clause[1:]):
        names = re.split(r",\s*(?:and\s+)?|\s+and\s+", asked["names"])
        known = [lexicon().products.get(name.lower()) for name in names]
        if all(product is not None and product.kind == "llm" for product in known):
            return [f"answer {asked['deed']} with {name}" for name in names]
    match = _ASSIGNED.match(clause)
    topics = re.split(r",\s*(?:and\s+)?|\s+and\s+", match["topics"]) if match else []
    if match is None or not 1 < len(topics) <= _MOST:
        return []
    deed = _ROLES.get(match["role"].lower(), "investigate")
    return [f"{deed} {topic}" for topic in topics]


_TAKERS = re.compile(r"\b(?:agent|worker|specialist|llm)\b", re.IGNORECASE)


def listed_agents(clause: str) -> list[str]:
    """Return the agents to whom a clause gives work, as named: "a web agent, a database agent"."""
    match = _LISTED_AGENTS.match(clause) if _TAKERS.search(clause) else None
    return re.split(r",\s*(?:and\s+)?|\s+and\s+", match["agents"]) if match else []


_COUNTED = re.compile(
    r"^(?:orchestrat|coordinat|run|launch|start|spawn|deploy|invok|call|us|trigger|creat|assign"
    r"|deploy)\w*"
    r" (?P<number>\d|two|three|four|five|six|seven|eight) (?:[\w-]+ ){0,2}?(?:agents|agent"
    r" workflows|workers|llms)"
    r"(?: workflows)?(?: in parallel| simultaneously| concurrently| at the same time)*$",
    re.IGNORECASE,
)


def crew_without_deed(clause: str) -> int:
    """Return how many agents a clause sets to work without saying at what; 0 when it does not."""
    match = _COUNTED.match(clause)
    word = match["number"].lower() if match else "0"
    number = int(word) if word.isdigit() else int(lexicon().names("numbers")[word])
    return number if 1 < number <= _MOST else 0


def crew(clause: str) -> tuple[int, str] | None:
    """Return how many agents do the same thing side by side, and what they do."""
    asked = _ASKED.match(clause)
    match = asked or _CREW.match(clause)
    if match is None or (not asked and read_opening(match["deed"], guess=True) is None):
        return None
    deed = f"answer {match['deed']}" if asked else match["deed"]
    word = match["number"].lower()
    number = int(word) if word.isdigit() else int(lexicon().names("numbers")[word])
    return (number, deed) if 1 < number <= _MOST else None
