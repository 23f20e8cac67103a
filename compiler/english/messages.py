"""What a message says: its text, its subject, and whom it goes to."""

import re

from compiler.english.draft import Output, escaped
from compiler.english.lexicon import lexicon
from compiler.english.normalise import MARK
from compiler.english.nouns import is_plural, object_phrase, title_of, words_of
from compiler.english.placing import Place, is_alert
from compiler.inflection import singular

_SUBJECT = re.compile(
    r"\b(?:with (?:the )?)?(?:subject|titled|title|subject line)(?: of)?:? (\ue002\d+\ue00f)",
    re.IGNORECASE,
)
_CC = re.compile(
    r"\bcc(?:'?d|ing)?:? (?:to )?((?:\ue001\d+\ue00f(?:,? and |, ?)?)+)", re.IGNORECASE
)
_SAYING = re.compile(
    r"\b(?:saying|that says|which says|to say)(?: that)?:?\s+(?P<words>[^\ue000-\ue003]+)$",
    re.IGNORECASE,
)
_TO = re.compile(
    r"\b(?:to|for|with)\s+(?P<who>(?:(?:each|every|all|the|our|my|a"
    r"|an)\s+)*[A-Za-z][\w'-]*(?:\s+[A-Za-z][\w'-]*){0,2})",
    re.IGNORECASE,
)


def message_text(place: Place) -> str:
    """Return the body of a message as a template."""
    quote = _said(place)
    if quote is not None:
        return escaped(quote)
    outputs = place.reading.outputs
    if (
        place.circumstance
        and not _judged(outputs)
        and (is_alert(place.step) or not _passes_on(place))
    ):
        return _warning(place)
    if place.reading.mapped:
        return f"{{{outputs[0].item}}}"
    if len(outputs) == 1:
        return _one(outputs[0])
    if outputs:
        return "\n\n".join(f"{title_of(output.noun)}:\n{{{output.value}}}" for output in outputs)
    words = escaped(place.text.restore(MARK.sub("", object_phrase(place.step.rest)))).strip()
    return place.draft.ask(
        f"{place.node_id}.text",
        f"What should the message of “{place.step.text}” say?",
        default=f"{words[:1].upper()}{words[1:]}" or "{workflow.name}",
        required=False,
    )


def _judged(outputs: tuple[Output, ...]) -> bool:
    """Whether the condition was about a label: then the data says more than the condition."""
    return any(output.kind == "label" for output in outputs)


def _passes_on(place: Place) -> bool:
    """Whether the step names the data that it sends, or sends "it"."""
    words = set(words_of(place.step.rest))
    named = any(output.words & words for output in place.reading.outputs)
    return named or bool(re.match(r"(?:it|them|this|that|these|those)\b", place.step.phrase, re.I))


def _one(output: Output) -> str:
    if output.kind in ("text", "label") or output.key.rpartition("_")[2] in (
        "report",
        "summary",
        "digest",
    ):
        return f"{{{output.value}}}"
    if output.key == "input":
        return "{input}"
    if output.task == "uptime":
        about = capitalised(output.about)
        return f"{escaped(about)} answered with status {{{output.key}.status_code}}."
    opening = "Here are" if is_plural(output.noun.replace(" ", "_")) else "Here is"
    return f"{opening} the {output.noun}:\n\n{{{output.value}}}"


def _said(place: Place) -> str | None:
    """Return the words that the text gives in quotes, the subject line left out."""
    subject = _SUBJECT.search(place.step.marked)
    marked = place.step.marked.replace(subject[1], "") if subject else place.step.marked
    quotes = place.text.literals_in(marked, "quote")
    if quotes:
        return quotes[0]
    saying = _SAYING.search(marked)
    return capitalised(saying["words"].strip(" .,")) if saying else None


def _warning(place: Place) -> str:
    text = f"{_sentence(place)}!"
    last = place.reading.outputs[-1:]
    if last and last[0].task == "uptime":
        return f"{text} Status: {{{last[0].key}.status_code}}."
    if last and last[0].kind != "approval" and last[0].key != "input":
        return f"{text}\n\n{title_of(last[0].noun)}:\n{{{last[0].value}}}"
    return text


def _sentence(place: Place) -> str:
    """Return the circumstance as a sentence that names what "it" is."""
    about = next((o.about for o in reversed(place.reading.outputs) if o.about), "")
    text = place.circumstance
    if about:
        text = re.sub(r"^it(?= |$)", about, text, flags=re.IGNORECASE)
    return capitalised(escaped(text))


def capitalised(text: str) -> str:
    """Return the text with a capital at its front; a URL stays as it is."""
    return text if text.startswith("http") else f"{text[:1].upper()}{text[1:]}"


def message_title(place: Place) -> str:
    """Return the subject line of a message as a template."""
    subject = _SUBJECT.search(place.step.marked)
    if subject:
        return escaped(place.text.literals_in(subject[1], "quote")[0])
    if place.circumstance and is_alert(place.step):
        return f"Alert: {_sentence(place)}"[:120]
    named = [w for w in words_of(object_phrase(place.step.rest)) if w in lexicon().artifacts]
    outputs = place.reading.outputs
    data = title_of(outputs[-1].noun) if outputs and outputs[-1].key != "input" else ""
    if named and data and singular(named[-1]) not in map(singular, data.lower().split()):
        return f"{data} {named[-1].capitalize()}"
    return data or (title_of(" ".join(named)) if named else "{workflow.name}")


def recipients(place: Place) -> str | list[str]:
    """Return whom an e-mail goes to; asks when the text names someone without an address."""
    copied = set(copies(place))
    given = [address for address in place.step.emails if address not in copied]
    if given:
        return given[0] if len(given) == 1 else given
    if place.step.inputs:
        return place.step.inputs[-1]
    who = _named_person(place)
    if who is None and place.reading.mapped:
        who = f"each {place.reading.outputs[0].item}".removesuffix(" item")
    elif who is None or who in lexicon().names("self_words"):
        return "{user.email}"
    person = re.sub(r"\W+", "_", " ".join(_people(who)[-2:])) or "recipient"
    if place.reading.mapped and singular(person) in place.reading.outputs[0].words:
        return f"{{{place.reading.outputs[0].item}.email}}"
    if (
        place.subject
        and re.match(r"(?:the|each) ", who)
        and not who.endswith(("team", "group", "list"))
    ):
        return place.draft.input(
            f"{person}_email", f"The e-mail address of {who}", {"type": "string", "format": "email"}
        )
    return place.draft.ask_input(
        f"{place.node_id}.to",
        f"Which e-mail address does “{who}” have?",
        f"{person}_email",
        suggestions=("{user.email}",),
    )


def copies(place: Place) -> list[str]:
    """Return the addresses that get a copy."""
    match = _CC.search(place.step.marked)
    return list(place.text.literals_in(match[1], "email")) if match else []


def _people(phrase: str) -> list[str]:
    return [
        word
        for word in re.findall(r"[a-z][\w-]*", phrase.lower())
        if word not in lexicon().words("articles")
    ]


def _named_person(place: Place) -> str | None:
    """Return who is named as the recipient, lower case; None when nobody is."""
    step = place.step
    rest = lexicon().product_pattern.sub(" ", MARK.sub(" ", step.rest)).strip().lower()
    rest = re.sub(r"\s+", " ", rest)
    if re.search(
        r"\b(?:to|for)? ?(?:me|myself|us|yourself|my (?:inbox|e-?mail(?: address)?))\b", rest
    ):
        return "me"
    for match in _TO.finditer(rest):
        who = re.split(
            r"\b(?:with|about|when|if|by|via|that|and|using|at|on|in|of|as|from)\b", match["who"]
        )[0].strip()
        words = _people(who)
        if (
            words
            and not lexicon().words("not_people").intersection(words)
            and words[-1] not in lexicon().verbs
        ):
            return who
    if step.action in ("email", "notify") or step.verb in ("send", "text"):
        who = re.split(
            r"\b(?:with|about|when|if|by|via|that|and|using|at|on|in|of|the (?:report"
            r"|summary|results?)|an?)\b|[,;]",
            rest,
        )[0].strip()
        words = _people(who)
        if words and not lexicon().words("not_people").intersection(words) and len(words) <= 3:
            known = {w for output in place.reading.outputs for w in output.words}
            return who if not known.intersection(words) or place.reading.mapped else None
    return None
