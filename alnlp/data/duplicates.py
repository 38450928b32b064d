"""Near-duplicates: texts that a person would call the same, found without comparing all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Rows = NDArray[np.int64]

_SHINGLE = 5
_BANDS, _BAND_ROWS = 20, 4
_CHUNK_CHARACTERS = 1_000_000
_VERIFY_PAIRS = 500
_ESTIMATE_ERROR = 0.11  # two standard deviations at a similarity of 0.6, 80 values
_SEED = 1
_GAP = "\0" * (_SHINGLE - 1)


def near_duplicate_groups(
    batches: Iterable[Sequence[str]], fetch: Callable[[Rows], Sequence[str]]
) -> Rows:
    """Group numbers of shape (N,): the smallest row of the group, its own row for a lone text.

    Two texts are near-duplicates if, letter case, punctuation and spacing aside, the sets of
    their 5-character shingles differ by no more than one typing error would cause, or by a sixth
    for longer texts; groups are the connected components. Candidates come from MinHash signatures
    (Broder 1997) and banding (Indyk and Motwani 1998), and each is verified on the texts
    themselves by counting common shingles, as in Ukkonen 1992. A pair that is just similar enough
    may be missed (under 1 in 100 at a Jaccard similarity of 0.7).

    Args:
        batches: all N texts, in row order; read once, one batch in memory at a time.
        fetch: the texts of some rows, in the order given, for the verification.
    """
    sketch = _sketch(batches)
    parents = np.arange(len(sketch.sizes), dtype=np.int64)
    pairs = _candidates(sketch)
    del sketch
    for start in range(0, len(pairs), _VERIFY_PAIRS):
        _unite_alike(parents, pairs[start : start + _VERIFY_PAIRS], fetch)
    for row in np.flatnonzero(parents != np.arange(len(parents))):
        parents[row] = parents[parents[row]]  # a parent is a smaller row, so it is final by now
    return parents


def _normalised(texts: Sequence[str]) -> list[str]:
    plain = pc.replace_substring_regex(
        pc.utf8_lower(pa.array(texts, pa.string())), r"[\pP\pZ\s]+", " "
    )
    words: list[str] = pc.utf8_trim_whitespace(plain).to_pylist()
    return [word or text for word, text in zip(words, texts, strict=True)]


@dataclass(frozen=True)
class _Sketch:
    """What is kept of N texts.

    Attributes:
        keys: one per band, (N, bands).
        bytes: the low byte of each value of the MinHash signatures, (N, values), which is enough
            to estimate similarity (b-bit minwise hashing, Li and König 2010).
        sizes: numbers of shingles, (N,).
    """

    keys: NDArray[np.uint32]
    bytes: NDArray[np.uint8]
    sizes: NDArray[np.float32]


def _sketch(batches: Iterable[Sequence[str]]) -> _Sketch:
    from rensa import RMinHash

    values = _BANDS * _BAND_ROWS
    keys = [np.empty((0, _BANDS), np.uint32)]
    low = [np.empty((0, values), np.uint8)]
    sizes = [np.empty(0, np.float32)]
    mix = np.random.default_rng(_SEED).integers(2**63, size=_BAND_ROWS, dtype=np.uint64) | 1
    for batch in batches:
        for texts in _chunks(_normalised(batch)):
            hashes, offsets = _shingle_hashes(texts)
            matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, values, _SEED)
            signatures = np.array(matrix.to_rows(), dtype=np.uint64)
            bands = signatures.reshape(len(texts), _BANDS, _BAND_ROWS)
            keys.append(((bands * mix).sum(axis=2) >> np.uint64(32)).astype(np.uint32))
            low.append(signatures.astype(np.uint8))
            sizes.append(np.diff(offsets).astype(np.float32))
    return _Sketch(np.concatenate(keys), np.concatenate(low), np.concatenate(sizes))


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start = size = 0
    for end, text in enumerate(texts):
        if size and size + len(text) > _CHUNK_CHARACTERS:
            yield texts[start:end]
            start, size = end, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


def _shingle_hashes(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Hashes of all shingles of all texts, flat, and the N + 1 offsets of the texts in them.

    A gap around each text makes every character, the first and last too, part of 5 shingles, and
    keeps shingles from running over into the next text.
    """
    joined = _GAP + _GAP.join(texts) + _GAP
    codes = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    size = len(codes) - _SHINGLE + 1
    hashes = np.zeros(size, dtype=np.uint64)
    for shift in range(_SHINGLE):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + codes[shift : shift + size]
    hashes ^= hashes >> np.uint64(32)
    hashes *= np.uint64(0xD6E8FEB86659FD93)
    hashes ^= hashes >> np.uint64(32)
    lengths = np.array([len(text) + len(_GAP) for text in texts], dtype=np.uint64)
    return hashes, np.concatenate([np.zeros(1, np.uint64), np.cumsum(lengths)])


def _candidates(sketch: _Sketch) -> Rows:
    """Pairs of rows (P, 2), smaller first, that share a band and whose sketches are alike.

    Within a band, a row is paired with the first of its bucket and with its neighbour there (the
    next band orders the bucket), so a large bucket costs no more than a linear number of pairs.
    """
    keys, count = sketch.keys, len(sketch.keys)
    found = np.empty(0, dtype=np.int64)
    for band in range(_BANDS if count else 0):
        order = np.lexsort((keys[:, (band + 1) % _BANDS], keys[:, band]))
        same = keys[order[1:], band] == keys[order[:-1], band]
        starts = np.maximum.accumulate(np.where(np.append(False, same), 0, np.arange(count)))
        members = np.flatnonzero(same) + 1
        left = np.concatenate([order[members - 1], order[starts[members]]])
        right = np.concatenate([order[members], order[members]])
        encoded = np.unique(np.minimum(left, right) * count + np.maximum(left, right))
        encoded = np.setdiff1d(encoded, found, assume_unique=True)
        found = np.union1d(found, encoded[_similar(sketch, encoded // count, encoded % count)])
    return np.stack([found // max(count, 1), found % max(count, 1)], axis=1)


def _similar(sketch: _Sketch, left: Rows, right: Rows) -> NDArray[np.bool_]:
    """Which pairs `alike` may accept: those not estimated to be clearly too different."""
    kept = np.empty(len(left), dtype=np.bool_)
    for start in range(0, len(left), 100_000):
        part = slice(start, start + 100_000)
        a, b = left[part], right[part]
        larger = np.maximum(sketch.sizes[a], sketch.sizes[b])
        common = np.maximum(0.6 * larger, np.minimum(larger - _SHINGLE - 1, larger * 5 / 6))
        least = common / (2 * larger - common)
        kept[part] = (sketch.bytes[a] == sketch.bytes[b]).mean(axis=1) >= least - _ESTIMATE_ERROR
    return kept


def _unite_alike(parents: Rows, pairs: Rows, fetch: Callable[[Rows], Sequence[str]]) -> None:
    rows = np.unique(pairs)
    texts = dict(zip(rows.tolist(), _normalised(fetch(rows)), strict=True))
    for left, right in pairs.tolist():
        a, b = _root(parents, left), _root(parents, right)
        if a != b and alike(texts[left], texts[right]):
            parents[max(a, b)] = min(a, b)


def _root(parents: Rows, row: int) -> int:
    while (parent := int(parents[row])) != row:
        parents[row] = parents[parent]
        row = parent
    return row


def alike(left: str, right: str) -> bool:
    """Whether two normalised texts are near-duplicates, by the shingles that they share.

    One wrong character touches 5 shingles, two swapped ones 6; that much is always forgiven,
    unless it is most of a very short text.
    """
    a, b = _shingles(left), _shingles(right)
    larger = max(len(a), len(b))
    return len(a & b) >= max(0.6 * larger, min(larger - _SHINGLE - 1, larger * 5 / 6))


@lru_cache(maxsize=8)  # pairs come sorted, so that one text is often compared several times
def _shingles(text: str) -> frozenset[str]:
    padded = _GAP + text + _GAP
    return frozenset(padded[i : i + _SHINGLE] for i in range(len(padded) - _SHINGLE + 1))
