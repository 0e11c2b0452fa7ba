"""A short table of given names and the short forms heard in Connecticut's files, English and Spanish."""

from functools import lru_cache
from importlib import resources
from itertools import permutations

_TABLE = resources.files(__package__) / "nicknames.txt"  # one line per formal name: its short forms


@lru_cache(maxsize=1)
def _formal_names() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for row in _TABLE.read_text(encoding="utf-8").splitlines():
        formal, short = row.split(": ")
        for name in short.split():
            found.setdefault(name, []).append(formal)
    return {name: tuple(formals) for name, formals in found.items()}


def formal_names(name: str) -> tuple[str, ...]:
    """Give the name itself, then every formal name it may be short for.

    Parameters
    ----------
    name : str
        An upper-case given name.

    Returns
    -------
    tuple of str
        Never empty; two names are nicknames of each other when these overlap.
    """
    return (name, *_formal_names().get(name, ()))


@lru_cache(maxsize=1)
def nicknames() -> tuple[tuple[str, str], ...]:
    """Give every two different names that may be short for one formal name, in both orders."""
    of_formal: dict[str, set[str]] = {}
    for name, formals in _formal_names().items():
        for formal in formals:
            of_formal.setdefault(formal, {formal}).add(name)
    return tuple(sorted({pair for names in of_formal.values() for pair in permutations(sorted(names), 2)}))
