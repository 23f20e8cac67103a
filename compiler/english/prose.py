"""Second stage: prose about a workflow as instructions, sentence by sentence.

"This workflow automates fetching orders and saving them, ensuring accuracy." becomes "fetch orders
and save them". Sentences that only praise or introduce are left out; every line stays a line.
"""

import re
from functools import cache

from compiler.english.casting import cast
from compiler.english.idioms import plain_words
from compiler.english.layout import lines_of
from compiler.english.lexicon import lexicon
from compiler.english.overviews import without_overview
from compiler.english.subjects import person_acts, without_subject
from compiler.english.verbs import opens_step, read_opening
from compiler.english.ways import as_choice

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)")
_LABEL = re.compile(
    r"^(?P<mark>\s*(?:(?:step\s+)?\(?\d{1,2}[.):]|[-*•·]|step \d+:?)?\s*)"
    r"(?P<label>[A-Z][\w/&' ()-]{1,60}?)(?::\s+|\s+[—-]+\s+)(?=(?P<rest>\S.*))"
)
_TRIGGER_LABEL = re.compile(r"(?:[\w ]+ )?trigger$|webhook$|triggered by", re.IGNORECASE)
_TIMED = re.compile(
    r"\b(?:every|each|daily|hourly|nightly|weekly|monthly|scheduled|at \d)\b", re.IGNORECASE
)
_MARKDOWN = re.compile(r"\*\*|__|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
_HEADING = re.compile(r"^\s*#{1,6}\s*")
_ASIDE = re.compile(
    r"\s*\((?:variables? [^)]*|e\.?g\b[^)]*|ex\b[^)]*"
    r"|for example\b[^)]*|i\.?e\b[^)]*|optional(?:ly)?|see (?:below"
    r"|above)[^)]*)\)",
    re.I,
)
_FIRST = re.compile(
    r"^(?:(?:and |but )?(?:lastly|finally|then|after that|next|also|meanwhile"
    r"|additionally|afterwards|in addition"
    r"|furthermore|moreover|first|second|third),? )(?=(?:i|we|please|this|the|help|you"
    r"|can|could)\b)",
    re.I,
)
_ADVERBIAL = re.compile(
    r"^(?:according to|based on|given|from|within|inside|as part of|throughout|with)"
    r" [^,→]{3,80}, (?=(?P<rest>\S.*))",
    re.IGNORECASE,
)
_FRONTED = re.compile(
    r"^(?P<basis>(?:depending|based) (?:up)?on [^,→]{3,80}), (?P<deed>(?:it |then )?[a-z]+"
    r" [^.;]*\bor\b[^.;]*?)[.!]?$",
    re.IGNORECASE,
)
_TITLE = re.compile(r"^(?P<title>[^:,.→]{3,100}): (?=(?P<rest>[a-z].*))", re.IGNORECASE | re.DOTALL)
_BY_DOING = re.compile(
    r"^[^,.:→]{3,100}? by (?:automatically )?(?P<word>\w+ing)(?= )", re.IGNORECASE
)
_REACTS_BY = re.compile(
    r"^(?:it |this )?(?:reacts?|responds?) to (?P<event>[^,.:→]{3,80}?) by (?=\w+ing\b)",
    re.IGNORECASE,
)
_EITHER = re.compile(
    r"\beither (?P<one>[^,.;]+?),? or (?P<other>[^,.;]+?)"
    r"(?:,? (?:depending on|based on) (?:whether |if )?(?P<condition>[^,.;]+))?(?=[,.;]|$)",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"(?:if|when|whenever|once|for each|for every|every)\b", re.IGNORECASE)
_JOINT = re.compile(r",\s+(?:and\s+)?(?:then\s+)?|\s+and\s+")
_STARTS = re.compile(r"(?:every|whenever|when|each|on|at)\b", re.IGNORECASE)
_MANAGES = re.compile(
    r"^(?:automat|manag|streamlin|simplif|improv|help|enhanc|boost|optimi[sz]|handl|keep|speed)",
    re.IGNORECASE,
)
_AGENT_DOES = re.compile(r"\bagent (?:should|will|must|can|is responsible for)\b", re.IGNORECASE)
_AGENTS = re.compile(
    r"\bagents? (?:that |which |to )?(?:work|collaborat|cooperat|coordinat)\w*", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z][\w-]*")
_GERUND_JOINT = re.compile(
    r"(?P<joint>,\s+(?:and\s+)?(?:(?:then|finally|also|automatically)\s+)?"
    r"|\s+and\s+(?:(?:then|finally|also|automatically)\s+)?)(?P<word>\w+ing)(?P<after>(?= )[^,.;]*)"
)
_PARTICIPLE = re.compile(
    r"(?:,\s+(?:and\s+|then\s+|while\s+|by\s+)?|\s+while\s+)(?P<word>\w+ing)(?= )", re.I
)
_ADDED = re.compile(
    r"(?:,?\s+(?:plus|with|along with|and|as well as)|,)\s+(?:an? |the )?"
    r"(?P<what>(?P<product>[\w.]+(?: \w+)?) (?:notification|alert|summary|message|report"
    r"|digest|update|email)s?)"
    r"(?P<rest>(?: (?:when|if|to|for|about|of|on|with|once|after)\b[^,]*)?)(?=[.!]?$)",
    re.IGNORECASE,
)


def instructions(text: str) -> str:
    """Return the text with every sentence as an instruction, as far as rules can tell."""
    text = _ASIDE.sub("", "\n".join(lines_of(text)))
    text = plain_words(_MARKDOWN.sub("", text))
    if len(_AGENT_DOES.findall(text)) > 1:
        kept = [part for part in _SENTENCE.split(text) if not _AGENTS.search(part)]
        text = " ".join(kept)
    text = cast(text)
    lines = [_line(line) for line in text.split("\n")]
    return "\n".join(lines)


def _line(line: str) -> str:
    heading = _HEADING.match(line)
    if heading:
        return ""
    line = _without_label(line)
    told = without_overview(_SENTENCE.split(line))
    if len(told) == 1:
        told = [_from_deed(told[0])]
    return " ".join(filter(None, (_sentence(part) for part in told)))


def _without_label(line: str) -> str:
    """Leave out the title of a step that its own description follows: "Fetch: gets the rows"."""
    match = _LABEL.match(line)
    if match is None or len(match["label"].split()) > 6:
        return line
    if _TRIGGER_LABEL.match(match["label"]):
        return ""
    first = _WORD.match(match["rest"])
    if match["mark"].strip() and re.match(r"(?:if|when|once|for each)\b", match["rest"], re.I):
        return f"{match['mark']}{match['rest']}"
    if first is None or first[0].lower() not in lexicon().verbs:
        return line
    if re.match(r"(?:if|when|else|otherwise|for|every|each|in)\b", match["label"], re.I):
        return line
    if _TIMED.search(match["label"]):
        return line
    return f"{match['mark']}{_with_service(match['label'], match['rest'], line)}"


def _with_service(label: str, rest: str, line: str) -> str:
    """Keep the service that only a title names: "Google Sheets lookup: finds the unpaid rows"."""
    named = lexicon().product_pattern.search(label)
    told = line[line.index(rest) :]
    if named is None or not named[1][:1].isupper() or len(_SENTENCE.split(told)) > 1:
        return rest
    if lexicon().product_pattern.search(told):
        return rest
    bare = told.rstrip(" .;,")
    return f"{bare} in {named[1]}{told[len(bare) :]}"


@cache
def _deed() -> re.Pattern[str]:
    deeds = "|".join(lexicon().names("deeds"))
    return re.compile(
        r"^(?:(?:this|the|it|an?)\b(?: [\w-]+){0,4}? )?(?:automat|handl|perform|manag|streamlin"
        r"|simplif|enabl"
        r"|allow|facilitat|do|provid|schedul|run|creat|tak|mak)(?:e|es|s|ies|y)? (?:the |an?"
        r" )?(?:[\w-]+ ){0,2}?"
        rf"(?P<deed>{deeds}) of ",
        re.IGNORECASE,
    )


def _from_deed(sentence: str) -> str:
    """Turn "automates the export of all orders to CSV" into "export all orders to CSV"."""
    match = _deed().match(sentence)
    if match is None:
        return sentence
    return f"{lexicon().names('deeds')[match['deed'].lower()]} {sentence[match.end() :]}"


@cache
def _noise() -> re.Pattern[str]:
    patterns = "|".join(lexicon().names("noise"))
    return re.compile(rf"^\W*(?:{patterns})", re.IGNORECASE)


@cache
def _frames() -> re.Pattern[str]:
    frames = "|".join(frame.rstrip("\n") for frame in lexicon().names("frames"))
    return re.compile(rf"^\s*(?:{frames})\s*", re.IGNORECASE)


@cache
def _empty_tail() -> re.Pattern[str]:
    words = "|".join(sorted(lexicon().words("empty_participles")))
    return re.compile(
        rf",?\s+(?:thus |thereby |while |all while |and )?(?:{words})\b(?! (?:it|them"
        rf"|the \w+) (?:to|in|into)\b)[^,.;]*"
        r"|,?\s+(?:all )?(?:so that|so)\s+(?:no|you|your|we|nobody|teams?|reps?|everyone"
        r"|nothing)\b.*?(?=[.!]?$)",
        re.IGNORECASE,
    )


def without_frame(text: str) -> str:
    """Remove "Please build a workflow that" and the like, also behind "Lastly,"."""
    first = _FIRST.match(text)
    if first:
        return f"{first[0]}{_bare(text[first.end() :])}"
    return _bare(text)


_NAMED = re.compile(
    r"(?P<name>(?:an? )?(?:ai|llm|gpt|voice|chat)(?:-\w+)? (?:[\w-]+ ){0,2}?[\w-]+(?= that )"
    r"|(?:[\w/-]+ ){0,5}?(?:workflow|automation|scheduler|audit|bot|job|pipeline|script"
    r"|agent|zap|assistant|scanner|poller|digest|process|system|service|tool|integration|monitor"
    r"|tracker|watcher|notifier|dag|etl|function|engine|concierge|radar|watchdog|hub|loop))"
    r" (?:that|which) (?:(?:automatically )?(?=[a-z]{2,}s )|(?:will|should|can) )",
    re.IGNORECASE,
)


_RECURS = re.compile(
    r"\b(?:hourly|nightly|daily|weekly|monthly|quarterly|yearly|(?:bi|twice|thrice)-?weekly)\b",
    re.IGNORECASE,
)


def _without_name(text: str) -> str:
    """Leave out what only names the workflow: "Daily scheduler that checks …"."""
    named = _NAMED.match(text)
    opening = read_opening(named["name"]) if named else None
    if named is None or (opening is not None and not opening.verb.is_noun):
        return text
    when = _RECURS.search(named["name"])
    return f"{when[0]}, {text[named.end() :]}" if when else text[named.end() :]


def _bare(text: str) -> str:
    for _ in range(5):
        shorter = _without_name(_frames().sub("", text, count=1))
        if shorter == text or not shorter.strip():
            return text
        text = shorter.lstrip(" ,")
    return text


def _sentence(sentence: str) -> str:
    sentence = _either(_by_doing(sentence))
    if _noise().match(sentence):
        return ""
    bare = without_frame(sentence)
    if _noise().match(bare):
        return ""
    bare = as_choice(bare)
    bare = _without_title(bare if person_acts(bare) else without_subject(bare))
    bare = _empty_tail().sub("", bare)
    bare = _in_order(_without_adverbial(bare))
    bare = _from_gerund(bare)
    bare = _from_participles(bare)
    return _with_added(bare)


_AFTER_DOING = re.compile(
    r"(?P<front>^|, (?:and |then )?|; | and )(?P<deed>[a-z]+ [^,.;]{1,60}?) after"
    r" (?P<word>[a-z]+ing)"
    r" (?=(?:the|an?|it|them|their|each|all|my|our) )(?P<what>[^,.;]+)",
    re.IGNORECASE,
)


def _in_order(sentence: str) -> str:
    """Turn "stop it after telling the owner" into "tell the owner, then stop it"."""

    def turned(match: re.Match[str]) -> str:
        verb = lexicon().verbs.get(match["word"].lower())
        if verb is None or not opens_step(match["deed"]):
            return match[0]
        return f"{match['front']}{verb.base} {match['what']}, then {match['deed']}"

    return _AFTER_DOING.sub(turned, sentence)


def _either(sentence: str) -> str:
    """Turn "either sell it or keep it" into an if and an otherwise."""
    match = _EITHER.search(sentence)
    if match is None or not (opens_step(match["one"]) and opens_step(match["other"])):
        return sentence
    condition = match["condition"] or "it qualifies"
    choice = f"if {condition}, {match['one']}, otherwise {match['other']}"
    return f"{sentence[: match.start()]}{choice}{sentence[match.end() :]}"


def _by_doing(sentence: str) -> str:
    """Keep the steps of "writes the brief by pulling the data, grouping it and saving it"."""
    reacts = _REACTS_BY.match(sentence)
    if reacts:
        return f"when {reacts['event']} occurs, {_from_gerund(sentence[reacts.end() :].strip())}"
    match = _BY_DOING.match(sentence)
    verb = lexicon().verbs.get(match["word"].lower()) if match else None
    if match is None or verb is None or verb.base in ("use", "leverage", "run", "combine"):
        return sentence
    several = _GERUND_JOINT.search(sentence, match.end())
    looks = lexicon().roles.get(verb.action) == "source"
    praises = read_opening(sentence) is None
    if not several and not looks and not praises and not _MANAGES.match(sentence):
        return sentence
    return f"{verb.base}{_chain(sentence[match.end() :])}"


def _without_title(sentence: str) -> str:
    """Leave out what only names the whole: "Lead scoring: collects …", "build a bot: it …"."""
    match = _TITLE.match(sentence)
    if match is None:
        return sentence
    if _STARTS.match(match["rest"]):
        return match["rest"]
    named = read_opening(match["title"])
    looped = re.match(r"for (?:each|every) ", match["rest"], re.IGNORECASE)
    if looped and named and lexicon().roles.get(named.verb.action) != "source":
        return match["rest"]
    rest = re.sub(r"^(?:it|this|the (?:workflow|flow|bot)) ", "", match["rest"], flags=re.I)
    opening = read_opening(rest)
    title = read_opening(match["title"])
    if (
        title
        and title.third
        and title.verb.base in lexicon().words("names_of_all")
        and _CONTROL.match(rest)
    ):
        return rest
    if title and title.verb.base in lexicon().words("names_of_all") and opening and _several(rest):
        return rest
    if (
        opening is None
        or opening.gerund
        or re.match(r"(?:if|when|for|every|each|in)\b", match["title"], re.I)
    ):
        return sentence
    made = title is not None and title.verb.action in ("generate", "create")
    told = opening.third or (title is not None and title.third)
    return rest if title is None or (made and told) else sentence


def _several(text: str) -> bool:
    """Whether a text holds at least two steps: "transcribe it, tag by topic and file it"."""
    joints = list(_JOINT.finditer(text))
    return any(opens_step(text[joint.end() :], text[: joint.start()]) for joint in joints)


def _without_adverbial(sentence: str) -> str:
    """Leave out "Based on the outline," before an instruction: the steps before it say so."""
    if fronted := _FRONTED.match(sentence):
        return f"{fronted['deed']} {fronted['basis']}"
    match = _ADVERBIAL.match(sentence)
    opening = read_opening(match["rest"]) if match else None
    if match is None or opening is None or opening.gerund:
        return sentence
    return match["rest"]


def _from_gerund(sentence: str) -> str:
    """Turn "sending reminders and logging them" into "send reminders and log them"."""
    first = _WORD.match(sentence.lstrip())
    verb = lexicon().verbs.get(first[0].lower()) if first else None
    if first is None or verb is None or not first[0].lower().endswith("ing"):
        return sentence
    rest = sentence.lstrip()[first.end() :]
    return f"{verb.base}{_chain(rest)}"


def _chain(rest: str) -> str:
    def base(match: re.Match[str]) -> str:
        verb = lexicon().verbs.get(match["word"].lower())
        tool = verb is not None and verb.base in ("use", "leverage", "utilize")
        plain = verb is None or (tool and " to " not in match["after"])
        if verb is None or plain or _describes(match["word"], match["after"]):
            return f"{match['joint']}{match['word']}{_chain(match['after'])}"
        joint = ", then " if verb.is_noun else match["joint"]
        return f"{joint}{verb.base}{_chain(match['after'])}"

    return _GERUND_JOINT.sub(base, rest)


def _from_participles(sentence: str) -> str:
    """Turn ", routing it to the team" at the end of a sentence into a step of its own."""
    for match in _PARTICIPLE.finditer(sentence):
        verb = lexicon().verbs.get(match["word"].lower())
        tool = match["word"].lower() in ("using", "leveraging", "utilizing")
        if (
            verb
            and not tool
            and match.start()
            and not re.match(r"\s+(?:in|on|by)\b", sentence[match.end() :])
            and not _describes(match["word"], sentence[match.end() :])
        ):
            tail = _chain(sentence[match.end() :])
            joint = ", then" if verb.is_noun else ", and"
            return f"{sentence[: match.start()]}{joint} {verb.base}{tail}"
    return sentence


def _describes(word: str, rest: str) -> bool:
    """Whether a participle only says which things are meant: "buying signals"."""
    following = re.match(r"\s+([a-z-]+)", rest, re.IGNORECASE)
    plain = following is not None and following[1].lower() not in lexicon().words("determiners")
    return plain and word.lower() in lexicon().words("describing")


def _with_added(sentence: str) -> str:
    """Turn ", plus a Slack summary" into a step of its own."""
    match = _ADDED.search(sentence)
    if match is None or match["product"].lower() not in lexicon().products:
        return sentence
    if not sentence[: match.start()].strip():
        return sentence
    before, after = sentence[: match.start()], sentence[match.end() :]
    return f"{before}, and send a {match['what']}{match['rest']}{after}"
