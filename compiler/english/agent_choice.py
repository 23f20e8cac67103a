"""Which agent does a step: from its verb, its object and the service that it names."""

import re

from compiler.english import reading_choice
from compiler.english.facts import Facts
from compiler.english.lexicon import lexicon
from compiler.english.nouns import words_of
from compiler.inflection import singular

_TO_MODEL = re.compile(
    r"\b(?:through|to|into|by) (?:an?|the|our) (?:[\w-]+ ){0,2}(?:ai|llm|agent|model"
    r"|worker|gpt\S*|claude|gemini)\b|\bto (?:[\w-]+ )?(?:sub-?agents|workers|agents"
    r"|specialists)\b",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"(?:it|them|(?:(?:the|its|their|this|these|all|each|any|raw) )?(?:[\w-]+ ){0,3}?(?:data"
    r"|records?|files?"
    r"|contents?|rows?|results?|responses?|entries|payloads?|csv|xml|json|texts?|values?|fields?"
    r"|information))\W*(?:$|(?:into|with|in|from|and|for|using|by|to)\b)",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"(?:an? |the )?(?:[\w-]+ )?(?:csv|pdf|xlsx|excel|xml|zip|parquet|docx)(?:"
    r" file)?s?\b(?! \w+ing)\W*(?:$|(?:with|from|of|for|out)\b)",
    re.IGNORECASE,
)
_FAVOUR = re.compile(
    r"(?:for )?(?:an? |their |the |some |more )*(?:[\w-]+ )?(?:reviews?|feedback|ratings?"
    r"|referrals?|testimonials?"
    r"|payment|quotes?|more information|survey)\b(?! by| from (?:the|my|our) )",
    re.IGNORECASE,
)
_MODEL_ASKED = re.compile(
    r"\w+ (?:(?:an?|the|our|my) )?(?:[\w-]+ ){0,2}?(?:ai|llms?|agents?|models?|gpt\S*|claude|gemini"
    r"|chatgpt|openai)\b",
    re.IGNORECASE,
)
_BUILT = re.compile(
    r"(?:(?:the|an?|our|its|their|it) ?)?(?:[\w-]+ ){0,3}?(?:images?|containers?|projects?|apps?"
    r"|code|artifacts?|packages?|jars?"
    r"|binar(?:y|ies)|branch|repositor(?:y|ies)|modules?|releases?|index(?:es)?|caches?|docs|documentation|sites?)\b|it"
    r" with\b",
    re.IGNORECASE,
)
_BY_PHONE = re.compile(
    r"\b(?:text message|push notification)s?\b|\ba (?:[\w-]+ )?text\b(?! \w)", re.IGNORECASE
)
_IN_THREAD = re.compile(
    r"\b(?:in|on|to|under) (?:the |that |this |its )?(?:same )?(?:threads?|comments?|posts?"
    r"|tickets?|issues?|tweets?|reviews?|conversations?|chat|pull request|pr)\b",
    re.IGNORECASE,
)
_FOR_PEOPLE = re.compile(
    r"\bfor (?:the |our |an? |my )?(?:[\w-]+ ){0,2}?(?:team|manager|owner|department|accountant"
    r"|lead|staff)\W*$",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"(?:the |our |my |an? )?(?:[\w-]+ ){0,2}?(?:engineers?|owners?|authors?|team|managers?"
    r"|assignees?|maintainers?"
    r"|reviewers?|reps?|admins?|colleagues?|leads?)\W*(?:$|(?:in|on|about|when|if|for)\b)",
    re.IGNORECASE,
)
_LOOKED_UP = re.compile(
    r"(?!(?:it|them|this|that|these|those|for|if|whether|that|against|on|with|to|in)\b)(?:[\w'-]+"
    r" ){0,4}?[a-z]{2,}(?:s|ability|stock|status|balance)\b(?!['-])(?!.* (?:is|are|against)\b)",
    re.IGNORECASE,
)
_BY_MAIL = re.compile(r"\b(?:by|via|over) e-?mail\W*$", re.IGNORECASE)
_MADE_OF = re.compile(r"\b(?:out of|from) (?:it|them|that|this)\W*$", re.IGNORECASE)
_PAGES = (("pages",), ("sites",), ("websites",), ("webpages",), ("blogs",))
_LOOKS_ON = ("monitor", "watch", "poll", "ping", "probe")
_GIVES_WORK = ("run", "process", "handle", "assign", "hand out", "hand off", "pass")
_CLIPS = frozenset(
    ("reminder", "reminders", "message", "messages", "clip", "clips", "tracks", "files", "ads",
     "version", "versions")
)  # fmt: skip
_MAKES = ("generate", "create", "produce", "make", "build")


_LOADED = re.compile(
    r"(?:(?:it|them|this|that|these|those|everything|(?:the|each|every|all|its|their)(?:"
    r" [\w-]+){1,4}?) )?"
    r"(?:back )?(?:in)?to (?:an?|the|our|my|your)?",
    re.IGNORECASE,
)


def choose_agent(action: str, facts: Facts) -> tuple[str, str]:
    """Return the action as the whole clause means it, and the agent that does it."""
    if (
        action == "fetch"
        and facts.verb in ("load", "import", "ingest")
        and _LOADED.match(facts.rest)
    ):
        action = "store"
    if facts.verb == "open" and lexicon().words("opened").intersection(facts.object_words[-2:]):
        action = "create"
    chooser = {
        "notify": _send,
        "send": _send,
        "email": _email,
        "store": _store,
        "create": _create,
        "fetch": reading_choice.fetch,
        "scrape": reading_choice.scrape,
        "check": _check,
        "generate": _generate,
        "transform": _transform,
        "filter": _filter,
        "approve": _approve,
        "aggregate": _aggregate,
        "extract": reading_choice.extract,
        "classify": _classify,
    }.get(action)
    return chooser(action, facts) if chooser else (action, lexicon().agents[action])


def _email(action: str, facts: Facts) -> tuple[str, str]:
    if facts.product and facts.product.kind == "api" and not facts.emails and _aimed(facts):
        return "send", "api"
    return action, "email"


def _aimed(facts: Facts) -> bool:
    name = facts.product.name.lower() if facts.product else ""
    return bool(re.search(rf"\b(?:to|in|on|into)\b[^,]*\b{re.escape(name)}", facts.marked.lower()))


def _send(action: str, facts: Facts) -> tuple[str, str]:
    if facts.verb in ("send", "pass", "pipe", "submit", "forward") and _TO_MODEL.search(facts.rest):
        return "generate", "llm"
    kind = facts.product.kind if facts.product else None
    mailed = facts.verb == "send" and re.search(r"\ban? (?:[\w-]+ )?e-?mail\W*$", facts.rest, re.I)
    if mailed and not _aimed(facts):
        return "email", "email"
    if kind == "api":
        return action, "api"
    if kind == "database":
        return "store", "database"
    if kind == "email" or facts.emails:
        return "email", "email"
    target = re.search(r"\b(?:to|in|into)\b(?P<where>.*)$", facts.rest)
    whole = words_of(target["where"])[-1:] if target else []
    if whole and whole[0] in ("system", "systems", "platform", "portal"):
        return action, "api"
    if target and set(words_of(target["where"])) & set(lexicon().names("places", "database")):
        return "store", "database"
    system = target and set(words_of(target["where"])[:3]) & lexicon().words("systems")
    return action, "api" if system or _goes_by_service(facts) else "email"


def _goes_by_service(facts: Facts) -> bool:
    """Whether a message without a named service goes through one, not by mail."""
    if (
        facts.verb in ("text", "dm", "page", "ping", "buzz")
        or facts.urls
        or facts.has("webhook", "sms", "endpoint", "api", "channel", "channels")
    ):
        return True
    if _BY_PHONE.search(facts.marked) or re.search(r"\bto #\w", facts.rest):
        return True
    if facts.verb in ("reply", "respond", "comment") and _IN_THREAD.search(facts.rest):
        return True
    posts = facts.verb == "escalate" or facts.verb in lexicon().words("posting")
    return posts and not facts.has("email", "mail")


def _store(action: str, facts: Facts) -> tuple[str, str]:
    if facts.product:
        return action, "database" if facts.product.kind == "database" else "api"
    if facts.place("database"):
        return action, "database"
    if facts.urls:
        return "send", "api"
    if re.search(r"\bback (?:to|into|in|on)\b", facts.rest) or facts.verb == "write back":
        return "create", "api"
    if facts.place("api"):
        return "create", "api"
    inside = facts.verb != "file" or set(words_of(facts.rest)) & {"file", "csv", "disk"}
    if (inside and facts.place("data_processing")) or re.search(
        reading_choice.AS_FILE, facts.rest, re.I
    ):
        return "transform", "data_processing"
    if facts.verb in lexicon().words("keeps_in_service"):
        return "create", "api"
    return action, "database"


def _create(action: str, facts: Facts) -> tuple[str, str]:
    if _is_model_work(facts):
        return "generate", "llm"
    if not facts.product and _BY_MAIL.search(facts.rest):
        return "email", "email"
    if facts.verb in ("run", "execute", "perform") and facts.has("sql", "query", "queries"):
        return "fetch", "api" if facts.product and facts.product.kind == "api" else "database"
    if data := _data_work(facts):
        return data, "data_processing"
    if facts.verb == "call" and facts.urls and not facts.has("webhook", "post", "with"):
        return "fetch", "api"
    if facts.product and facts.has("job", "jobs", "pipeline", "cluster", "notebook"):
        return action, "api"
    if facts.product:
        return action, "database" if facts.product.kind == "database" else "api"
    named = {singular(word) for word in facts.object_words[-2:]}
    written = not lexicon().words("texts").isdisjoint(named)
    if facts.verb in ("create", "make") and written and not facts.has("http", "request"):
        return _generate("generate", facts)
    if facts.place("database") and facts.verb in ("delete", "remove", "create"):
        return "store", "database"
    return action, "api"


def _data_work(facts: Facts) -> str | None:
    """Return what is done to data: "process the rows", "remove duplicates"."""
    worked = not facts.rest.strip() or _DATA.match(facts.rest)
    if facts.verb in ("process", "handle") and not facts.product and worked:
        return "transform"
    repeated = facts.has("duplicate", "duplicates")
    return "dedupe" if facts.verb in ("remove", "delete") and repeated else None


def _is_model_work(facts: Facts) -> bool:
    """Whether a model does it: "run it through a model", "use AI", "make tweets out of it"."""
    if facts.verb in ("create", "make") and _MADE_OF.search(facts.rest):
        return True
    if facts.verb in _GIVES_WORK and _TO_MODEL.search(facts.rest):
        return True
    used = facts.verb in ("use", "leverage", "utilize")
    return used and facts.has("ai", "llm", "agent", "model")


def _check(action: str, facts: Facts) -> tuple[str, str]:
    """What is looked up is read from somewhere; what is judged is a model's."""
    if facts.product and facts.verb == "ping":
        return _send("notify", facts)
    if facts.has("duplicate", "duplicates") and not facts.product:
        return "transform", "data_processing"
    outside = facts.product is not None or facts.has("api", "endpoint", "service")
    if not outside and re.match(r"(?:it|them|these|those|each|this) against\b", facts.rest, re.I):
        return "transform", "data_processing"
    if facts.product:
        return "fetch", "database" if facts.product.kind == "database" else "api"
    if facts.verb == "test":
        return "create", "api"
    if (
        facts.verb != "check"
        and not (facts.urls or facts.product)
        and facts.object_words[-1:] in _PAGES
    ):
        return "scrape", "web_scraping"
    if facts.urls or facts.has(*lexicon().words("watched")):
        return action, "api"
    if facts.place("database"):
        return "fetch", "database"
    if facts.has(*lexicon().words("measured")) or facts.verb in _LOOKS_ON:
        return "fetch", "api"
    judged = facts.has(*lexicon().words("judged")) or not _LOOKED_UP.match(facts.rest)
    return ("analyze", "llm") if facts.verb != "check" or judged else ("fetch", "api")


def _generate(action: str, facts: Facts) -> tuple[str, str]:
    target = r"\b(?:back )?(?:to|into|in)\b (?:an?|the|my|our)? ?"
    if facts.verb == "write" and re.search(
        rf"{target}[\w -]*\b(?:table|database|db|tables|warehouse|log|ledger|journal)\b",
        facts.rest,
        re.I,
    ):
        return "store", "database"
    if facts.verb == "write" and re.search(
        rf"{target}[\w -]*\b(?:file|csv|parquet|disk)\b", facts.rest, re.I
    ):
        return "transform", "data_processing"
    if facts.verb == "write" and re.search(
        rf"{target}(?:sheet|spreadsheet|crm|calendar|board)\b", facts.rest, re.I
    ):
        return "create", "api"
    if facts.verb == "write" and facts.product and _aimed(facts):
        return _store("store", facts)
    if facts.verb == "write" and re.fullmatch(r"(?:it|them)(?: (?:to disk|out))?\W*", facts.rest):
        return "transform", "data_processing"
    if facts.verb in ("build", "rebuild") and _BUILT.match(facts.rest):
        return "create", "api"
    if facts.verb in _MAKES and (_FILE.match(facts.rest) or _is_rendered(facts.object_words)):
        return "transform", "data_processing"
    if (_is_media(facts.object_words)) and facts.verb in (
        "generate", "create", "produce", "make", "design", "build",
    ):  # fmt: skip
        return "create", "api"
    if facts.object_words[-1:] in (("summary",), ("summaries",)):
        return "summarize", "llm"
    return "generate", "llm"


def _is_rendered(words: tuple[str, ...]) -> bool:
    """Whether a thing is made of data alone: "charts", "a packing slip"."""
    return bool(lexicon().words("rendered").intersection(words[-1:]))


def _is_media(words: tuple[str, ...]) -> bool:
    """Whether a sound, a picture or a clip is meant: "voice reminders", not "image captions"."""
    media = lexicon().words("media")
    told = set(words[-2:-1]) & media and set(words[-1:]) & _CLIPS
    return bool(media.intersection(words[-1:]) or told)


def _approve(action: str, facts: Facts) -> tuple[str, str]:
    """A review by a model reads; one by nobody in particular is a person's."""
    if facts.has("automatically") or facts.verb.startswith("auto-"):
        return "create", "api"
    if facts.verb in ("ask", "request") and _FAVOUR.match(facts.rest):
        return "notify", "email"
    if facts.verb in ("ask", "request", "require") and _MODEL_ASKED.match(facts.marked):
        return "generate", "llm"
    third = facts.marked.lower().startswith(("reviews ", "confirms "))
    read = lexicon().words("read_over").intersection(facts.object_words[-1:])
    if facts.verb == "review" and re.search(r"\bagainst\b", facts.rest):
        return "analyze", "llm"
    if facts.verb == "review" and (facts.has("ai", "llm", "agent", "model") or third or read):
        return "analyze", "llm"
    return action, "human_loop"


def _aggregate(action: str, facts: Facts) -> tuple[str, str]:
    code = re.match(
        r"(?:it|the (?:pr|pull request|branch|change)s?|pull request|pr|branch)?\W*$",
        facts.rest,
        re.I,
    )
    return ("create", "api") if facts.verb == "merge" and code else (action, "aggregator")


def _filter(action: str, facts: Facts) -> tuple[str, str]:
    if facts.verb == "reject" and re.match(r"(?:it|the request|the order)\b", facts.rest, re.I):
        return "create", "api"
    kept = facts.verb == "keep" and re.match(r"(?:it |them )?(?:in|on)\b", facts.rest)
    return ("create", "api") if kept else (action, "data_processing")


def _classify(action: str, facts: Facts) -> tuple[str, str]:
    """A label that is put on a thing in a service, not found by reading it."""
    if facts.verb == "flag" and _FOR_PEOPLE.search(facts.rest):
        return "notify", "email"
    if facts.verb == "tag" and _PERSON.match(facts.rest):
        return "notify", "api"
    if facts.verb in ("label", "tag", "flag") and (facts.product or facts.has("accordingly")):
        return "create", "api"
    return action, "llm"


def _transform(action: str, facts: Facts) -> tuple[str, str]:
    computed = re.match(
        r"(?:(?:the|an?|their|its) )?(?:average|mean|sum|total)\b", facts.rest, re.I
    )
    if facts.verb in ("calculate", "compute") and computed:
        return "aggregate", "aggregator"
    if facts.verb in ("compare", "match", "reconcile", "diff"):
        return action, "data_processing"
    if facts.product and facts.product.kind == "api" and re.search(r"\bwith\b", facts.rest):
        return "create", "api"
    if facts.verb == "clean" and facts.has("room", "house", "floor", "kitchen", "car", "home"):
        return "create", "api"
    if facts.has("speech", "audio", "voice", "video", "image", "images") and re.search(
        r"\b(?:in)?to\b", facts.rest
    ):
        return "create", "api"
    return action, "data_processing"
