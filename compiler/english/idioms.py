"""Turns of phrase that say a step in another way, as the plain words for it.

Each rule is a pattern and what it stands for; they are applied in order to the whole text.
"""

import re

_DEED = r"(?:create|open|send|write|generate|make|post|file|raise|draft|add)s?"
_TIME = (
    r"(?P<time>(?:\d+|an?|one|two|three|five|ten) (?:second|minute|hour|day|week)s?)"
    r"(?:,? (?:and )?(?:then )?)"
    r"(?=(?!for|until|before|after|or)[a-z]+ (?:the|a|an|it|them|to|again|any)\b)"
)
_KINDS_OF_PLACE = (
    r"(?:different|appropriate|right|correct|various|relevant|proper|corresponding|several)"
    r" [\w -]+?"
)

_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # "send it (if it is paid) to me": the condition goes behind its step
        (
            r"\s*\((?P<control>(?:only )?(?:if|unless|when|for each|for every) (?!any\b|needed"
            r"|necessary|available|possible|applicable)[^()]+)\)"
            r"(?P<rest>(?:(?! and | then )[^,.;:()\n→])*)",
            r"\g<rest> \g<control>",
        ),
        # "opens a ticket per bug": one thing for each of many
        (
            rf"\b(?P<deed>{_DEED} (?:an?|one) [^,.;:]{{2,40}}?) per (?!day|week|month|quarter|year"
            r"|hour|minute|second)(?=[a-z]+)",
            r"\g<deed> for each ",
        ),
        # "each finding becomes a ticket"
        (
            r"(?:(?<=^)|(?<=[.;:] )|(?<=\n)|(?<=and ))each (?P<what>[\w -]{2,40}?) becomes"
            r" (?P<made>an? [^,.;\n]+)",
            r"for each \g<what>, create \g<made>",
        ),
        (rf"(?<![\w-])(?:after|wait(?:s|ing)?(?: for)?) {_TIME}", r"wait \g<time>, then "),
        (
            r"\bextracts?, transforms?,? and loads? (?P<what>[^,]*? from [^,]*?) (?=into\b|to\b)",
            r"fetch \g<what>, transform it, and load it ",
        ),
        (
            r"\b(?:automatically )?fall(?:s|ing)? back (?:to|on) (?P<what>[\w ]+?)"
            r"(?= (?:when|if|on)\b)",
            r"send it via \g<what>",
        ),
        # "routes to the right desk: bugs go to …": the ways say where
        (
            r"(?:,? and| and then|,? then|,)? routes? (?:it |them |each [\w-]+ )?to (?:the )?"
            rf"{_KINDS_OF_PLACE}(?: (?:based|depending) on [^:,.]+)?: ",
            ". ",
        ),
        # "starts two parallel jobs: one reads … and another counts …"
        (
            r"\b(?:runs?|starts?|has|launch(?:es)?|uses?|executes?) (?:two|three|several|multiple)"
            r" (?:parallel|concurrent|simultaneous) (?:process|task|branch|step|job|flow|path|track"
            r"|stream)(?:e?s)?:? (?:one|the first)(?: of them)?(?: branch| one)? (?P<one>[a-z]+s"
            r" .+?)"
            r",? (?:and|while) (?:another|the other|the second)(?: one| branch)?"
            r" (?P<other>[a-z]+s .+?)"
            r"(?=, (?:and )?then\b|[.;\n]|$)",
            r"in parallel: \g<one>; \g<other>",
        ),
        # "reply with the fix if there is one, or escalate it"
        (
            r"(?P<joint>, (?:and )?|^|\. )(?P<deed>[a-z]+ [^,.;]{1,60}?) if"
            r" (?P<when>[^,.;]{3,60}),? or (?P<other>[a-z]+ )"
            r"(?=(?:it|them|the|to|an?|escalate|ask|send)\b)",
            r"\g<joint>if \g<when>, \g<deed>, otherwise \g<other>",
        ),
        # "give it a topic, get posts for …": what goes in and what comes out
        (
            r"(?:(?<=^)|(?<=[.;] )|(?<=\n))(?:input|enter|provide|supply|paste|upload|give it)"
            r" (?:an? |the |your )"
            r"[^,.;\n]{2,40}, (?:and )?(?:get|receive) (?:back )?(?:an? )?(?:AI-(?:optimized"
            r"|generated|written|powered|crafted) )?",
            r"Generate ",
        ),
        # "an upload triggers a function that …"
        (
            r"(?:(?<=^)|(?<=[.;] )|(?<=\n))(?P<event>(?:an? |the |any |new )?[\w ]{4,40}?)"
            r" (?:triggers|starts|kicks off|invokes)"
            r" (?:an? |the )(?:state machine|workflow|flow|step functions?|lambda(?: function)?"
            r"|function|pipeline) (?:which|that|to) ",
            r"When \g<event> happens, ",
        ),
        (r",? (?:post|after|following|upon) which,? ", r", then "),
        # "1. Watches the repo … 2. When a release is out, …": the second line says what starts it
        (
            r"\A\s*(?:1[.)]\s+|[-*]\s+)(?:monitors?|watch(?:es)?|listens?)\b[^\n]*\n\s*(?:2[.)]\s+|[-*]\s+)"
            r"(?=when )",
            "",
        ),
        (r"\bTL;DR\b", "summary"),
        (r"\s*\([^()]*→[^()]*\)", ""),
        (r"\bwill be send\b", "will be sent"),
        # "run a price check on Amazon and eBay"
        (
            r"\b(?:runs?|does|do|performs?) (?:an? |the )?(?P<what>price|health|status"
            r"|availability|stock|uptime)"
            r" checks? (?=on|of|for|across|in)",
            r"check the \g<what> ",
        ),
        # "look it up and update it, or create it when there is none"
        (
            r"(?P<one>(?:,| and) )(?P<deed>[a-z]+ (?:(?! and )[^,.;]){1,60}?),? or"
            r" (?P<other>[a-z]+ [^,.;]{1,60}?) (?:if|when)"
            r" (?P<none>(?:there is none|there are none|none exists?|no [\w-]+(?: [\w-]+)? (?:is"
            r" found|exists?)|it"
            r" (?:does not|doesn't|did not) exist(?: yet)?|not found|it is (?:new|missing)|it"
            r" isn't there))",
            r", if \g<none>, \g<other>, otherwise \g<deed>",
        ),
        # "then branches: if positive, …", "then branches based on department: sales gets …"
        (
            r"(?:,? and)?(?:,? then)?,? (?:branch(?:es)?|splits?|forks?)(?: (?:based|depending)"
            r" on [^:,.]+)?: (?=\w)",
            ". ",
        ),
        (r"(?<=that )(?:triggers?|runs?|starts?) (?:manually|on demand),? (?:and )?", ""),
        # "results go to Sheets and Gmail"
        (
            r"(?:(?<=^)|(?<=[.;] )|(?<=\n))(?P<what>(?:the )?(?:final )?(?:results?|outputs?"
            r"|reports?|summar(?:y|ies)"
            r"|data|findings))(?: then)? (?:goes|go) to (?=\w)",
            r"send \g<what> to ",
        ),
        # "reads from our shops — Etsy for crafts, eBay for the rest —"
        (
            r"(?<=from )(?:your |the |our |several |multiple )?[\w -]{3,40} — (?P<one>[\w ]+?)"
            r" for [\w -]+,"
            r" (?P<two>[\w ]+?) for [\w -]+(?:, (?:and )?(?P<three>[\w ]+?) for [\w -]+)? — ",
            r"\g<one>, \g<two> and \g<three> ",
        ),
        (
            r"\b(?P<crew>(?:two|three|four|five|six|several|multiple|\d) (?:[\w-]+ ){0,2}?agents)"
            r" (?:run|work|operate)s? (?P<how>in parallel|simultaneously|concurrently"
            r"|independently)"
            r"(?:,? and| to) (?=[a-z]+)",
            r"\g<crew> \g<how> ",
        ),
        (r"\bstatus changes to\b", "status is set to"),
        # "WhatsApps me when …"
        (
            r"(?<=[a-z,;.] )(?P<by>whatsapp|slack|telegram|discord)s? (?=(?:me|us|him|her|them|the"
            r" [\w-]+)\b(?! (?:channel|message|webhook|bot|api)))",
            r"sends a \g<by> message to ",
        ),
        # "Teams messages announce the result"
        (
            r"(?:(?<=^)|(?<=[.;] )|(?<=\n))(?P<by>[\w.]+) (?P<what>notification|alert|message)s"
            r" (?:report"
            r"|inform(?: \w+)? (?:of|about)|announce|tell)\b",
            r"Send a \g<by> \g<what> about",
        ),
        # "the customer receives an email": somebody is sent something
        (
            r"(?:(?<=^)|(?<=[.;] )|(?<=\n)|(?<=\d[.)] )|(?<=, and )|(?<=, )|(?<= and"
            r" ))(?P<who>(?:the|your|our|each|all)"
            r" (?:[\w-]+ )?(?:users?|customers?|clients?|applicants?|reque?stors?|requesters?"
            r"|teams?|managers?"
            r"|employees?|students?|owners?|buyers?|guests?|attendees?|patients?|candidates?))"
            r" (?:then |also"
            r" |automatically )*(?:receives?|gets?|(?:is|are) sent) (?P<what>(?:an?|the|their|a"
            r" final) (?!right|chance)[^.,;\n]+)",
            r"send \g<who> \g<what>",
        ),
        # "can also be triggered manually"
        (
            r",?(?: and)? (?:it )?can (?:also )?be (?:triggered|run|started|invoked|executed)"
            r" (?:manually|on"
            r" demand|by hand|at any time)\b(?! if| when)",
            "",
        ),
        # "waits 3 days for the guest to answer"
        (
            r"\bwaits? (?P<time>(?:up to )?\d+ (?:minute|hour|day|week)s?) for (?:the |an?"
            r" )?[\w -]{2,30} to"
            r" (?:respond|reply|answer|react)\b",
            r"wait \g<time>",
        ),
        # "a file, or a sheet" told by their endings: one thing that starts the workflow
        (
            r"(?P<one>[\ue002]\d+\ue00f)(?:, (?:or |and )?[\ue002]\d+\ue00f)+(?= files?\b)",
            r"\g<one>",
        ),
    )
)


def plain_words(text: str) -> str:
    """Return the text with its turns of phrase as plain instructions."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
