"""The words by which one clause controls others: if, else, for each, once, before, in parallel."""

import re

WEAK = re.compile(
    r"(?P<then>[,.]?\s+(?:and |but )?(?:then|after that|afterwards?|next|finally|lastly"
    r"|followed by|subsequently)\b[,:]?\s+)"
    r"|(?P<before>,?\s+(?:right )?before\s+(?=\w+ing\b|(?:the|an?|it)\b[^,.]{0,60} (?:is|are) \w+))"
    r"|(?P<comma>,\s*(?:and\s+|but\s+|or\s+)?|\s+and\s+|\s+&\s+|\s+plus\s+|\s+but\s+"
    r"|\s+while\s+|:\s+"
    r"|(?<!\bevery)(?<!\bany)(?<!everyone)(?<!everything)(?<!everybody)(?<!anything)(?<!anyone)(?<!\ball)\s+"
    r"(?=(?:else|otherwise)\s))",
    re.IGNORECASE,
)
IF = re.compile(
    r"^(?:and |but |then |so |only )*(?P<word>(?:else|otherwise,?) if|elif|only if|if|unless"
    r"|in case|when|whenever|only when|once|as soon as)\s+(?=\S)",
    re.IGNORECASE,
)
ELSE_IF = re.compile(r"^(?P<word>(?:else|otherwise,?) if|elif)\s+(?=\S)", re.IGNORECASE)
ELSE = re.compile(
    r"^(?:and |but |or )?(?:otherwise|else|if not(?=,| then|:| →)|or else|in all other cases"
    r"|in any other case|for all others?|the rest|if no(?=,| then|:)|everything else(?= to)"
    r"|fall(?:s|ing)? back to)\b[,:]?\s*(?:then )?",
    re.IGNORECASE,
)
LATE_ELSE = re.compile(
    r"^(?P<deed>[a-z][^,;:]*?),? (?:otherwise|in all other cases|in any other case)(?P<more>,?"
    r" and [^,;]+)?[.!]?$",
    re.IGNORECASE,
)
EACH = re.compile(
    r"^(?:then |and |next |finally )?(?P<each>(?:for|within|in) (?:each|every|all(?: of)?(?: the)?)"
    r"|(?:loops?|iterates?|goes|go|cycles?) (?:over|through|across)"
    r"(?: (?:each|every|all|the|an?))?(?: the)?(?: (?:list|set|collection|array) of(?:"
    r" the)?)?)(?: of the| one of the| of these| of those)? (?P<rest>.+)$",
    re.IGNORECASE,
)
PARALLEL = re.compile(
    r"^(?:then |and |do |run |the following )*(?:in parallel|simultaneously|concurrently|at "
    r"the same time|all at once)\b(?: do| run)?[:,]?\s*",
    re.IGNORECASE,
)
PARALLEL_END = re.compile(
    r"[,]?\s*(?:all )?\b(?:in parallel|simultaneously|concurrently|at the same time|at once)\b\.?$",
    re.IGNORECASE,
)
ALWAYS = re.compile(
    r"\b(?:always|in any case|either way|in both cases|regardless|in all cases|no matter "
    r"what|whatever happens|in the end|at the end|finally)\b",
    re.IGNORECASE,
)
ALWAYS_WORDS = re.compile(
    r"\b(?:always|in any case|either way|in both cases|regardless|in all cases|no matter "
    r"what|whatever happens)\b,?\s*",
    re.IGNORECASE,
)
TRAILING_IF = re.compile(
    r"^(?P<action>.+?)(?:,)?\s+(?:but )?(?P<word>only if|only when|if|unless|when|whenever"
    r"|in case|as long as|provided(?: that)?|the moment)\s+(?P<condition>.+)$",
    re.IGNORECASE,
)
TRAILING_OUTCOME = re.compile(
    r"^(?P<action>.+?),? (?:on|upon|in case of|in the event of|after) (?:an? |any )?"
    r"(?P<what>failures?|success|errors?|timeouts?|rejection|denial)\W*$",
    re.IGNORECASE,
)
TRAILING_FINDING = re.compile(
    r"^(?P<action>.+?)(?: only)? (?:on|for|about|upon) (?P<condition>(?:any |all |the"
    r" )?(?:[\w-]+ )?"
    r"(?:anomal(?:y|ies)|outliers?|spikes?|violations?|delays?|discrepanc(?:y|ies)|deviations?"
    r"|breach(?:es)?"
    r"|errors?|failures?|exceptions?|(?:[\w-]+ )ones)|(?:high|low|critical|urgent|failed|overdue"
    r"|severe|negative|hot|expired|suspicious|significant|important|notable|major)(?:-[a-z]+)?"
    r" [a-z]+s)\W*$",
    re.IGNORECASE,
)
TRAILING_LIMIT = re.compile(
    r"^(?P<action>.+?) (?:on|for|about) (?P<condition>(?:any |all )?(?:[\w-]+ )?(?:changes?"
    r"|drops?|increases?|differences?|deviations?"
    r"|values?|amounts?|spikes?) (?:greater|more|larger|higher|lower|less|above|over|below|under"
    r"|exceeding|beyond)\b.+)$",
    re.IGNORECASE,
)
ENDS_IN_LOOK = re.compile(
    r"\bto (?:determine|see|decide|check|know|find out|tell|assess|evaluate|identify|verify"
    r"|establish|judge)$",
    re.IGNORECASE,
)
SOME_FOR_REVIEW = re.compile(
    r"^(?:routes?|flags?|escalates?|sends?|holds?|puts?|queues?|forwards?) (?:any |all |only"
    r" )?(?P<which>(?:high|low|thin"
    r"|broken|risky|suspicious|flagged|borderline|uncertain|ambiguous|complex|urgent|critical"
    r"|large|expensive|invalid|failed"
    r"|mismatched|unmatched|unclear|unusual|edge|sensitive|negative|overdue|doubtful"
    r"|questionable)(?:-[a-z]+)?(?: or"
    r" [a-z-]+)? (?!ones\b)[a-z]+s) (?:to [^,;]{2,40}? )?for (?P<human>(?:[\w'-]+"
    r" ){0,2}(?:review|approval"
    r"|sign-?off))\b.*$",
    re.IGNORECASE,
)
FOR_REVIEW = re.compile(
    r"^(?P<action>.+?),? for (?P<human>(?:(?!each|every|all)[\w'-]+ ){0,2}(?:review"
    r"|approval|sign-?off)|(?:me|us|(?:the|an?|my|our) (?:[\w-]+ )?[\w-]+|someone|[A-Z]\w+) to"
    r" (?:approve|re-?view"
    r"|sign off(?: on)?|confirm|decide|check|proofread)(?: (?:it|them|this))?)\W*$",
    re.IGNORECASE,
)
WORKER = re.compile(
    r"^(?:(?:the |an? )?(?:one|another|first|second|third|fourth|fifth|next|final|last"
    r"|other|[\w-]+) (?:ai )?(?:sub-?)?agent"
    r"|agent (?:\d+|[a-d]))(?: (?:should|will|must|can|is responsible for|then|first))*:? (?=\w)",
    re.IGNORECASE,
)
DECISION = (
    r"(?:approv\w*|sign(?:s|ed)?[- ]?off|confirm\w*|review(?:s|ed)?|go-ahead|accept\w*"
    r"|(?:has|have) (?:been )?(?:checked|verified|validated|proofread)"
    r"|(?:give[sn]?|has given|have given) (?:their|his|her|its|the|an?) (?:ok|okay|blessing|green"
    r" light|consent)|(?:says?|said) (?:yes|ok|okay)\b)"
)
TRAILING_APPROVAL = re.compile(
    rf"^(?P<action>.+?),?\s+(?P<human>(?:but )?(?:only )?(?:after|once|upon|following"
    rf"|pending|subject to|with(?![\w' -]*\b(?:after|once|upon)\b)"
    rf"|when)\s+(?:[\w'-]+\s+){{0,4}}?{DECISION}\b.*)$",
    re.IGNORECASE,
)
AFTER = re.compile(
    r"^(?P<word>(?:only )?(?:after|once|upon|following|when|before|prior to|as soon "
    r"as))\s+(?P<event>[^,→:]+?)(?:,\s*|\s+then\s+|$)",
    re.IGNORECASE,
)
UPON = re.compile(
    r"^(?:and )?(?:only )?(?:after|upon|on|once|following|when)(?: it(?:'s| is| has been"
    r"| gets)?| they are)?(?: the| their| his| final)? "
    r"(?P<decision>(?P<by>(?:[\w-]+ ){0,2}approval|(?:[\w-]+ )?approved|confirmed"
    r"|confirmation|sign-?off)"
    r"|signed|paid|complete|completed|done|finished|ready)\b,?\s+(?:then )?(?=[a-z])",
    re.IGNORECASE,
)
WHETHER = re.compile(
    r"^(?:check|see|verify|determine|test|decide|find out|monitor|detect|checks|verifies|sees"
    r"|detects|validates|finds out"
    r"|determines|(?:uses? .{1,40}? to )?(?:analy[sz]es?|assess(?:es)?|evaluates?"
    r"|determines?|checks?|identify|decides?))\s+(?:if|whether|that)\s+",
    re.IGNORECASE,
)
STATES = re.compile(
    r"\b(?:is|are|was|were|has|have|does|do|exceeds?|contains?|fails?|below|above|over"
    r"|under)\b[^,]* \w",
    re.I,
)
FOR_SOME = re.compile(
    r"^for (?!each|every|all|example|instance|the|an?|this|that|these|now|me|us|your?|any\b(?!"
    r" [\w-]+(?: [\w-]+)? (?:with|without|that|which|whose|above|over|below|under)\b)|\d+(?![\d-]"
    r"| star))"
    r"(?P<what>(?:[\w-]+ ){0,3}[\w-]+|any [\w-]+(?: [\w-]+)? (?:with|without|that|which|whose"
    r"|above|over|below|under) [^,;]+|[\w-]+(?: [\w-]+)? (?:above|over|under|below|older than"
    r"|newer than|with|without|worth"
    r"|from|rated|marked) [^,;]+?)(?:, (?:also )?| also )(?=(?P<rest>\w.*))",
    re.I,
)
HAPPENED = re.compile(
    r"^\S+ .*\b(?:expires?|fails?|drops?|falls?|rises?|changes?|exceeds?|is|are|has|have"
    r"|differs?|matches)\b.*\s\w+ $",
    re.I,
)
OUTCOME = re.compile(
    r"^(?:and |but )?(?:on|upon|in case of|after) (?:an? |the )?(?P<what>rejection"
    r"|denial|failure|success|errors?|timeout)\b(?! of)[,:]? (?=\w)",
    re.I,
)
OUTCOMES = {"rejection": "rejected", "denial": "rejected", "success": "it succeeds"}
OTHERS = re.compile(
    r"^(?:for )?(?:the |all )?(?:\w+s|others) (?=(?:should |must )?(?:send|go|get|email"
    r"|notify|post|be)\b)",
    re.I,
)
ASKS = re.compile(r"(?:have|get|ask|let|wait|request|require|seek)\b", re.IGNORECASE)
STATED = re.compile(
    r"\b(?:is|are|was|were|exceeds|contains|above|below|over|under|than)\b[^,]*\w\s$", re.IGNORECASE
)
PASSIVE_START = re.compile(r"\s(?=(?:the|an?|it|they|our|my|your|all|its|their) )", re.IGNORECASE)
ENDED = re.compile(
    r"(?:\b(?:fails?|succeeds?|pass(?:es)?|exists?|match(?:es)?|expires?|arrives?|clears?"
    r"|bounces?|changes?)"
    r"|\b(?:is|are|was|were|has been|have been|gets?)(?: not)? \w+|\b(?:over|under|above|below"
    r"|than) \S+)$",
    re.IGNORECASE,
)
DONE = re.compile(
    r"\b(?:is|are|has been|have been|gets?|was|were) (?:\w+ly )?(?P<verb>\w+)$", re.IGNORECASE
)
FINISHED = re.compile(
    r"^(?:(?:it|that|this|everything|all(?: of (?:them|these))?|they|both|each(?: one)?)"
    r"(?:'s| is| are| has| have)?(?: been)? ?|the [\w ]+ (?:is|are|has "
    r"been|have been) )?(?:done|finished|complete[d]?|ready|all done|available)$"
    r"|^(?:the|this|that) (?:[\w-]+ ){0,3}(?:translation|analysis|summary|step"
    r"|extraction|processing|research|generation|classification|validation|report)$",
    re.IGNORECASE,
)
IDLE = re.compile(
    r"^(?:(?:it|this|that|the (?:workflow|flow|automation)|and|then) )*(?:(?:should |will "
    r")?(?:run|runs|running|schedule[sd]?|scheduled|repeat)(?: (?:it|this|that"
    r"|automatically))*(?: to run\b.*)?|(?:do|perform|execute|carry out|follow"
        r"|complete)(?:e?s)? (?:the )?(?:following|these|below)(?: [\w-]+)*"
    r"|process(?:es)? [^:]*?(?:one by one|in batches(?: of \w+)?|individually)|the "
    r"(?:flow|workflow) should perform the following actions|(?:follow )?these steps"
    r"|(?:ignore|skip|discard|drop|exclude|filter)s?(?: it| them| this| the rest| the others|"
    r" all others)?(?: out)?"
        r"|submit(?:s|ted)?|submission|end(?:s)?(?: the (?:workflow|flow"
    r"|process))?|stop|thanks?(?: you)?|please|do nothing|nothing)\W*$", re.IGNORECASE)  # fmt: skip
GIVEN_BACK = re.compile(
    r"^(?:then |finally |and )*(?:returns?|outputs?|displays?|shows?|presents?|gives? back)"
    r" (?:(?:the|this|that|these|those|its|their|both|all(?: the)?)\b(?! (?:[\w-]+ )?(?:response"
    r"|answer|reply)\b)[^,]*|it|them|results?|verified [\w-]+|\w+s)"
    r"(?<!\bto me)$",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"^(?:(?!,|and\b)\S+ ){1,10}?(?:is|are|gets?|(?:will|should|must|can) be)\b", re.IGNORECASE
)
BARE_STATE = re.compile(
    r"^(?:so|positive|negative|neutral|urgent|valid|invalid|needed|necessary|successful|true"
    r"|false|yes|no|found|empty|missing|available|high|low|critical|spam)\s+$",
    re.IGNORECASE,
)
