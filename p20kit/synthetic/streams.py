"""One seed, many independent streams of random numbers, each with a name.

A room that draws more or fewer numbers leaves every other room's people unchanged.
"""

import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]
Dates = npt.NDArray[np.datetime64]

BASE32 = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", dtype=np.uint8)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator of one named stream of `seed`."""
    key = tuple(name if isinstance(name, int) else zlib.crc32(name.encode()) for name in names)
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=key))


def cumulative(weights: npt.NDArray[Any]) -> Floats:
    """Return the running share of `weights`, ending at 1."""
    total = np.cumsum(weights, dtype=np.float64)
    return np.asarray(total / total[-1])


def draw(rng: np.random.Generator, shares: Floats, size: int) -> Ints:
    """Draw `size` positions with the running shares of `cumulative`."""
    return np.minimum(np.searchsorted(shares, rng.random(size), side="right"), len(shares) - 1)


def sample(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """Draw `size` distinct positions, the heavier the likelier; returned in ascending order.

    Raises
    ------
    ValueError
        If fewer than `size` positions have a weight.
    """
    if size > np.count_nonzero(weights):
        raise ValueError(f"cannot draw {size} distinct positions from {np.count_nonzero(weights)}")
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=len(weights))
    return np.sort(np.argpartition(-keys, max(size - 1, 0))[:size]) if size else np.empty(0, dtype=np.int64)


def distinct(rng: np.random.Generator, low: int, high: int, size: int) -> Ints:
    """Draw `size` distinct whole numbers of [low, high) in random order."""
    drawn = rng.integers(low, high, size)
    while True:
        _, first = np.unique(drawn, return_index=True)
        if len(first) == size:
            return drawn
        again = np.ones(size, dtype=bool)
        again[first] = False
        drawn[again] = rng.integers(low, high, int(again.sum()))


def generic_ids(rng: np.random.Generator, prefix: str, size: int) -> Texts:
    """Make `size` distinct generic identifiers: prefix, hyphen, 16 random base32 characters.

    Drawn from nothing but the stream, so they bear no resemblance to any identifier of a person.

    Source: EM XII.B.
    """
    while True:
        letters = BASE32[rng.integers(0, 32, (size, 16), dtype=np.uint8)]
        codes = np.ascontiguousarray(letters).view("S16").ravel()
        if len(np.unique(codes)) == size:
            return np.array([f"{prefix}-{code.decode()}" for code in codes], dtype=object)
