"""Cosine similarity of many embeddings, a part of them at a time."""

from __future__ import annotations

import numpy as np

from alnlp.signals import FloatArray

#: Similarities held in memory at once.
_AT_ONCE = 8_000_000


def units(embeddings: FloatArray) -> FloatArray:
    """Embeddings (N, D) as float32 scaled to length 1; those of length 0 stay as they are."""
    scaled = np.array(embeddings, dtype=np.float32)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    scaled /= np.where(lengths > 0, lengths, 1)
    return scaled


def similarity(rows: FloatArray, others: FloatArray) -> FloatArray:
    """Similarity from 0 (opposite) to 1 (alike) of units (N, D) and (M, D): (N, M)."""
    cosines: FloatArray = rows @ others.T
    return np.clip((1 + cosines) / 2, 0, 1)


def nearest(rows: FloatArray, others: FloatArray) -> FloatArray:
    """The similarity of each of N units to the most similar of M others: (N,); 0 where M is 0."""
    highest = np.zeros(len(rows), dtype=np.float32)
    if len(others):
        step = max(1, _AT_ONCE // len(others))
        for start in range(0, len(rows), step):
            part = similarity(rows[start : start + step], others)
            highest[start : start + step] = part.max(axis=1)
    return highest
