"""Classification by given labels: words of the label, and words that go with it."""

import re
from collections import Counter
from dataclasses import dataclass

from agents.offline.sentiment import judge
from agents.offline.text import content_words, stem, words

_RELATED: dict[str, str] = {
    "billing": "invoice charge charged payment pay paid refund price subscription card receipt "
    "money fee cost overcharged credit debit",
    "payment": "pay paid card invoice transaction checkout billing charge refund declined",
    "refund": "money back return reimburse cancel charged",
    "technical": "error bug crash install update login password screen app server connect broken "
    "freeze slow fail failed software device wifi code exception timeout",
    "bug": "error crash broken fail failed exception freeze wrong issue defect glitch",
    "feature": "add support wish request would could option integrate ability suggestion improve",
    "account": "login password username sign profile email access locked reset register",
    "shipping": "delivery deliver package parcel courier arrive late tracking order shipped box",
    "delivery": "shipping package parcel courier arrive late tracking shipped delivered",
    "return": "refund exchange send back replacement warranty",
    "sales": "buy price quote demo purchase discount offer plan enterprise license order",
    "support": "help problem issue question assist fix working",
    "complaint": "terrible unacceptable disappointed angry worst bad rude awful never unhappy poor",
    "praise": "great love excellent thank amazing perfect wonderful happy best good",
    "question": "how what when where why who can could does is possible explain wondering",
    "spam": "winner prize free click offer lottery viagra casino urgent congratulations bitcoin "
    "loan unsubscribe guaranteed claim cash",
    "urgent": "immediately asap now emergency critical down outage deadline today urgently",
    "low": "minor whenever someday cosmetic small",
    "high": "urgent critical immediately outage down severe asap emergency",
    "sport": "game team match player win goal season league coach score football tennis",
    "politics": "government election vote minister president party parliament law policy senate",
    "business": "company market revenue profit stock shares investor sales growth quarter merger",
    "technology": "software computer phone internet app chip device ai robot data startup cloud",
    "science": "research study scientist discovery experiment space physics biology planet",
    "health": "doctor hospital patient disease treatment medicine virus vaccine symptom diet",
    "entertainment": "film movie music actor singer album show series celebrity concert star",
    "travel": "hotel flight trip airport beach tourist booking destination holiday visit",
    "food": "restaurant meal dish taste recipe cook menu delicious eat dinner breakfast",
    "quality": "broken sturdy material cheap durable flimsy build defect finish solid made",
    "price": "expensive cheap cost value money worth afford overpriced bargain budget",
    "service": "staff support help rude friendly waiter response agent customer reply team",
    "hr": "leave vacation payroll salary hire contract benefits onboarding employee",
    "legal": "contract law court lawyer liability compliance terms clause sue gdpr",
    "security": "hack breach password attack phishing leak vulnerability unauthorized access",
    "finance": "bank budget loan tax invoice interest investment accounting money credit",
}
_SENTIMENT = {
    "positive": {
        "positive",
        "good",
        "happy",
        "satisfied",
        "favorable",
        "favourable",
        "praise",
        "compliment",
    },
    "negative": {
        "negative",
        "bad",
        "unhappy",
        "dissatisfied",
        "unfavorable",
        "unfavourable",
        "complaint",
        "criticism",
    },
    "neutral": {"neutral", "mixed", "okay", "average"},
}
_NOT = re.compile(r"^(?:not|non|no)[ _-]", re.IGNORECASE)
_SURE = 0.45
_MOOD_WEIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Classification:
    """The best label, how sure the choice is (0 to 1), and the share of every label."""

    label: str
    confidence: float
    scores: dict[str, float]

    @property
    def unsure(self) -> bool:
        """Whether a person should look at it."""
        return self.confidence < _SURE


def classify(text: str, labels: list[str]) -> Classification:
    """Choose one of the labels for a text."""
    if moods := _moods(labels):
        judged = judge(text)
        leaning = "negative" if judged.score < 0 else "positive"
        label = moods.get(judged.label) or moods.get("neutral") or moods.get(leaning) or labels[0]
        confidence = round(min(1.0, 0.5 + abs(judged.score) / 2), 2)
        return Classification(label, confidence, {label: confidence})
    counts = Counter(content_words(text))
    asks = "?" in text
    weights = {label: _weight(label, counts, asks) for label in labels}
    for label in labels:
        if (mood := _mood(label)) and mood == judge(text).label:
            weights[label] += _MOOD_WEIGHT
    for label in labels:
        if _NOT.match(label):
            opposite = _NOT.sub("", label).lower()
            rival = max((w for name, w in weights.items() if name.lower() == opposite), default=0)
            weights[label] = 1.0 if rival < 1.0 else 0.0
    total = sum(weights.values())
    if total == 0:
        fallback = next((name for name in labels if name.lower() in ("other", "none")), labels[0])
        return Classification(fallback, 0.0, dict.fromkeys(labels, 0.0))
    best = max(labels, key=weights.__getitem__)
    # One lone hint is weak evidence even when nothing speaks for the other labels.
    confidence = weights[best] / total * min(1.0, weights[best] / 2)
    shares = {label: round(weight / total, 2) for label, weight in weights.items()}
    return Classification(best, round(confidence, 2), shares)


def labels_named(instruction: str) -> list[str]:
    """Return the labels that an instruction lists: `as billing, technical or other`."""
    match = re.search(
        r"\b(?:into|as|either|one of|among|between|labels?|categories|classes)\b:?\s*"
        r"(?:(?:one of|either|these|the following)[^:,]*:?\s*)?"
        r"[\[(\"']*((?:[\w'\" -]{1,40}(?:,|/|\||\bor\b|\band\b)\s*)+[\w'\" -]{1,40})",
        instruction,
        re.IGNORECASE,
    )
    if not match:
        return []
    parts = re.split(r"\s*(?:,|/|\||\bor\b|\band\b)\s*", match.group(1))
    labels = [part.strip(" \"'.") for part in parts]
    return [label for label in dict.fromkeys(labels) if label and len(label.split()) <= 3]


def _mood(label: str) -> str | None:
    return next((mood for mood, names in _SENTIMENT.items() if label.lower() in names), None)


def _moods(labels: list[str]) -> dict[str, str]:
    """Map moods to labels when all the labels are moods."""
    found = {}
    for label in labels:
        mood = _mood(label)
        if mood is None:
            return {}
        found[mood] = label
    return found


def _weight(label: str, counts: Counter[str], asks: bool) -> float:
    weight = 0.0
    for word in words(label.replace("_", " ")):
        weight += 2.0 * counts[stem(word)]
        related = _RELATED.get(word) or _RELATED.get(stem(word), "")
        weight += sum(min(counts[stem(other)], 2) for other in related.split())
        if asks and stem(word) == "question":
            weight += 2.0
    return weight
