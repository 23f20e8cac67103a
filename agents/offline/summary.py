"""Extractive summaries by TextRank: the sentences most like all the others, in their order.

Sentences are nodes, the cosine of their weighted words (TF-IDF) is the edge between them, and the
score is that of a random walk over the graph (Mihalcea and Tarau, 2004). A sentence much like one
that was taken already is passed over.
"""

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from agents.offline.text import content_words, sentences

_DAMPING = 0.85
_STEPS = 50
_REDUNDANT = 0.6
_MAX_SENTENCES = 600
"""More are cut before the quadratic comparison; the beginning of a text says what it is about."""

Matrix = NDArray[np.float64]


def summarize(text: str, limit: int = 3) -> list[str]:
    """Return the `limit` sentences that say most, in the order of the text."""
    found = list(dict.fromkeys(part for part in sentences(text) if len(part) > 2))
    found = found[:_MAX_SENTENCES]
    if len(found) <= limit:
        return found
    similarity = _similarity([content_words(part) for part in found])
    scores = _rank(similarity)
    # The first sentences of a text tell its subject more often than the others.
    scores = scores * (1 + 0.3 / (1 + np.arange(len(found))))
    chosen: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        if all(similarity[index, other] < _REDUNDANT for other in chosen):
            chosen.append(index)
        if len(chosen) == limit:
            break
    return [found[index] for index in sorted(chosen)]


def _similarity(documents: list[list[str]]) -> Matrix:
    """Cosine similarity of all pairs, the diagonal zero."""
    spread = Counter(word for words in documents for word in set(words))
    columns = {word: index for index, word in enumerate(spread)}
    weights = np.zeros((len(documents), max(len(columns), 1)))
    for row, words in enumerate(documents):
        for word, count in Counter(words).items():
            rarity = math.log(1 + len(documents) / spread[word])
            weights[row, columns[word]] = count * rarity
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    normal = weights / np.where(lengths == 0, 1, lengths)
    similarity: Matrix = normal @ normal.T
    np.fill_diagonal(similarity, 0)
    return similarity


def _rank(similarity: Matrix) -> Matrix:
    totals = similarity.sum(axis=1, keepdims=True)
    moves = similarity / np.where(totals == 0, 1, totals)
    count = len(similarity)
    scores: Matrix = np.full(count, 1 / count)
    for _ in range(_STEPS):
        scores = (1 - _DAMPING) / count + _DAMPING * (moves.T @ scores)
    return scores
