"""Other ways to say an instruction, in the words that the rules read.

Each pair is a manner of speaking and what it stands for; what is said stays, and what is in quotes
is not looked at.
"""

import re

from compiler.editing.wording import ADDRESS, COUNT, DURATION, LANGUAGES, MODEL, NUMBER, URL

_DROPS = (
    r"(?:lose|ditch|scrap|kill|axe|nix|strip out|strip|cut out|eliminate|discard|dump|bin|retire"
    r"|throw out|throw away|do away with|do without|get along without)"
)
_CHANGES = (
    r"(?:bring|take|drop|dial|push|crank|turn|knock|move|shift|get|extend|shorten|bump|raise|lower"
    r"|increase|decrease|reduce|cut|lift|tighten|relax|double)"
)
_VALUE = rf"(?:#[\w-]+|{ADDRESS}|{URL}|{MODEL}|{NUMBER})"
_HOLD = (
    r"^(?:hold|keep|stop|delay|pause|block|do not send|don't send)(?: back)? (the [\w ]+?)"
    r"(?: back)?(?: from being sent)?"
)
_ADD = r"^(?:also )?(?:add|insert|include) (?:an?|the|another)"
_APPROVED = (
    r"(?:approve[sd]?|confirm(?:s|ed)?|sign(?:s|ed)? off|review(?:s|ed)?)(?: on)?(?: it| that)?"
)
_FIELD = r"(?P<field>subject|title|prompt|body)"
_SAYINGS = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"^(?!.*\bprompt\b)(.{0,40}?\b(?:subject|title)) line\b"
         r"(?= (?:of|to|should|must|from)\b|$)", r"\1"),
        (r"^(?:there(?:'s| is) )?no (?:more |longer a )?need to (.+)$", r"don't \1"),
        (r"^(?:there(?:'s| is) )?no (?:more |longer a )?need for (.+)$", r"remove \1"),
        (rf"^(?:we (?:can|could|may) )?{_DROPS} (?=\w)", "remove "),
        (r"^we (?:can|could|may) (?=(?:skip|drop|remove|delete|omit)\b)", ""),
        (r"^(.+?) (?:can|could|may|should|has to|must) (?:go|be (?:removed|dropped|deleted|left out"
         r"|skipped|omitted))(?: completely| entirely| again)?$", r"remove \1"),
        (r"^(switch|change|move|bring|flip|migrate) (.+?) over to ", r"switch \2 to "),
        (rf"^{_CHANGES} (?:up |down |back )?(?:the |its )?([\w' -]+?)(?: up| down| back)?"
         rf"(?: from (?:{NUMBER}|{DURATION}))? (?:up |down |back )?to"
         rf" (?=(?:{DURATION}|{NUMBER})(?: [\w ]+)?$)", r"set the \1 to "),
        (rf"^put (?P<value>\0\d+\0) (?:in|into|as) (?:the )?(?:e-?mail'?s? |mail'?s? )?"
         rf"{_FIELD}"
         r"(?P<of> of .+)?$", r"set the \g<field>\g<of> to \g<value>"),
        (rf"\buse (?P<value>\0\d+\0) (?:as|for) (?:the )?{_FIELD}",
         r"set the \g<field> to \g<value>"),
        (r"^(?:in|for|on) (?:the )?(step \d+|[\w ]+ step),? set the (\w+) to ",
         r"set the \2 of the \1 to "),
        (r"^((?:add|insert|include) (?:an?|another|one more)(?: new)? (?:step|node)) (after|before)"
         r" (.+?) ((?:that|which|to) .+)$", r"\1 \4 \2 \3"),
        (rf"^(?:also )?(?:add|insert|include) (?:an?|another) (?:e-?mail|mail) to ({ADDRESS})",
         r"also email \1"),
        (rf"^(\w+_\w+|the \w+) should (?:only )?(take|fetch|get|read|scrape) (?={NUMBER} )",
         r"only \2 "),
        (rf"^(?:have|let|make) the \w+ (?:to )?(take|fetch|get|read|scrape) (?={NUMBER} )"
         r"(.+?)(?: only)?$", r"only \1 \2"),
        (rf"\buse (?P<value>\0\d+\0) (?:as|for) (?:the )?(?P<step>\w+) {_FIELD}",
         r"set the \g<step> \g<field> to \g<value>"),
        (r"^(wait|pause) (?=.+ between .+ and )", r"add \1 "),
        (r"^(?:in case of|during|on|upon|for) (?:an? )?(?:downtime|outage)s?\b",
         "when it is down"),
        (rf"^(.+?) (?:in addition to|besides|along with|on top of|as well as) {ADDRESS}$",
         r"\1 as well"),
        (r",? (?:and )?not (?:by|via|through|over|with|as) (?:an? )?"
         r"(e-?mail|mail|slack|teams|sms)$", r" instead of \1"),
        (r"^(?:if|when) (.+?) fails,? (?:then )?(?:re)?try(?: it)?(?: again)?(?: up to)? "
         rf"({COUNT})(?: (?:more )?times)?$", r"retry \1 \2 times"),
        (r"^(.+ (?:when|if) [^,]+?),? (?:in addition to|on top of|besides|as well as) [^,]+$",
         r"also \1"),
        (rf"^(.+?),? (?:and )?(?:not|no longer) (?:in |to |on |at |with )?({_VALUE})$",
         r"\1 instead of \2"),
        (r"^((?:also |then )?)keep (?:a |the )?(?:copy|record|log) of (.+?) in (?=the|a|our)",
         r"\1save \2 in "),
        (rf"{_HOLD} until i (?:have )?{_APPROVED}$", r"have me approve it before \1"),
        (rf"{_HOLD} until ((?:my|the|our) [\w ]+?) (?:has |have )?{_APPROVED}$",
         r"have \2 approve it before \1"),
        (rf"{_ADD} {LANGUAGES} (?:translation|version) of (the \w+)",
         r"add a step that translates \2 into \1"),
        (rf"{_ADD} {LANGUAGES} (?:translation|version)\b",
         r"add a step that translates it into \1"),
        (rf"{_ADD} translation (?:of (the \w+) )(?:to|into) {LANGUAGES}",
         r"add a step that translates \1 into \2"),
        (rf"{_ADD} translation (?:to|into) {LANGUAGES}", r"add a step that translates it into \1"),
        (rf"{_ADD} (?:summary|summarization) of (the \w+)", r"add a step that summarizes \1"),
        (rf"{_ADD} (?:summary|summarization)(?= (?:before|after|between|as)|$)",
         r"add a step that summarizes it"),
        (r"^(?:add |insert )?((?:a |an )?(?:wait|delay|pause)\b.*?) after (.+?) (?:and )?before"
         r" (.+)$", r"add \1 between \2 and \3"),
        (r"^((?:send|post|email|mail|notify|tell|message|write|also) .+?) (?:once|as soon as) "
         r"(?!(?:an?|per|every|each|daily)\b)(?!.*\bapprov)(.+)$", r"\1 after \2"),
        (r"^((?:also |then )?)(?:(?:have|take) a )?(?:look at|check out|visit|grab) (?=https?://)",
         r"\1scrape "),
    )
)  # fmt: skip
_WITH_TEMPERATURE = re.compile(
    rf"\b(?P<use>(?:use|switch to|with) {MODEL})(?:,| and)? (?:with|at) (?:a )?temperature (?:of )?"
    rf"(?P<n>{NUMBER})(?P<step> (?:for|in) .+)?$",
    re.IGNORECASE,
)
_ITS = re.compile(r"\bits (?=(?:model|temperature|time ?out|retries|prompt|subject|max)\b)", re.I)


def rephrased(clause: str) -> str:
    """Return an instruction in the words that the rules read."""
    if re.search(r"[\"“`]", clause):
        quoted = re.split(r"([\"“`][^\"”`]*[\"”`])", clause)
        held = dict(enumerate(quoted[1::2]))
        masked = "".join(part if place % 2 == 0 else f"\0{place // 2}\0"
                         for place, part in enumerate(quoted))  # fmt: skip
        return re.sub(r"\0(\d+)\0", lambda match: held[int(match[1])], _plainly(masked))
    return _plainly(clause)


def _plainly(clause: str) -> str:
    for pattern, words in _SAYINGS:
        clause = pattern.sub(words, clause)
    return clause


def with_temperature_apart(text: str) -> str:
    """Return “use M with temperature N for X” as two instructions."""
    return _WITH_TEMPERATURE.sub(
        lambda match: f"{match['use']}{match['step'] or ''}; set its temperature to {match['n']}",
        text,
    )


def of_the_step(clause: str, node_id: str | None) -> str:
    """Return an instruction in which “its temperature” names the step that was spoken of."""
    its = _ITS.search(clause)
    if its is None or node_id is None:
        return clause
    field = re.match(r"max(?:imum)? tokens|time ?out|\w+", clause[its.end() :])
    end = its.end() + (field.end() if field else 0)
    return f"{clause[: its.start()]}the {clause[its.end() : end]} of {node_id}{clause[end:]}"
