"""One wrong key stroke or one wrong hearing in a name."""

import re

import numpy as np

from p20kit.synthetic.streams import Texts, cumulative, draw

KINDS = ("neighbour", "sound", "exchanged", "lost", "doubled")
KIND_SHARES = cumulative(np.array([30, 25, 20, 15, 10]))
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
SOUNDS = (
    ("ph", "f"),
    ("ck", "k"),
    ("ie", "ei"),
    ("ei", "ie"),
    ("ee", "ea"),
    ("ai", "ay"),
    ("sh", "ch"),
    ("th", "t"),
    ("nn", "n"),
    ("ll", "l"),
    ("tt", "t"),
    ("rr", "r"),
    ("ss", "s"),
    ("c", "k"),
    ("k", "c"),
    ("z", "s"),
    ("s", "z"),
    ("y", "i"),
    ("i", "y"),
    ("v", "b"),
    ("b", "v"),
    ("m", "n"),
    ("n", "m"),
    ("o", "u"),
    ("e", "a"),
    ("a", "e"),
)


def misspell(rng: np.random.Generator, words: Texts) -> Texts:
    """Return each word with one slip: a neighbouring key, a sound-alike, letters exchanged, lost or doubled.

    A word of one letter stays; every longer one changes.
    """
    kind = draw(rng, KIND_SHARES, len(words))
    place, pick = rng.random(len(words)), rng.random(len(words))
    slips = (
        _slip(str(word).lower(), KINDS[which], float(where), float(choice))
        for word, which, where, choice in zip(words, kind, place, pick, strict=True)
    )
    wrong = np.empty(len(words), dtype=object)
    wrong[:] = [_capitals(slip) for slip in slips]
    return wrong


def _slip(word: str, kind: str, place: float, pick: float) -> str:
    if len(word) < 2:
        return word
    spot = 1 + int(place * (len(word) - 1))
    if kind == "sound":
        fitting = [(sound, other) for sound, other in SOUNDS if sound in word[1:]]
        if fitting:
            sound, other = fitting[int(pick * len(fitting))]
            return word[0] + word[1:].replace(sound, other, 1)
    if kind == "exchanged" and spot + 1 < len(word) and word[spot] != word[spot + 1]:
        return word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]
    if kind == "lost" and len(word) > 3:
        return word[:spot] + word[spot + 1 :]
    if kind == "doubled":
        return word[:spot] + word[spot] + word[spot:]
    return word[:spot] + _neighbour(word[spot], pick) + word[spot + 1 :]


def _neighbour(letter: str, pick: float) -> str:
    for row in KEYS:
        spot = row.find(letter)
        if spot >= 0:
            beside = row[max(spot - 1, 0) : spot] + row[spot + 1 : spot + 2]
            return beside[int(pick * len(beside))]
    return "e"


def _capitals(word: str) -> str:
    return re.sub(r"(^|[ -])([a-z])", lambda found: found[1] + found[2].upper(), word)
