"""Clerical review: which pairs two people look at, so that a few of them say what all the links are worth.

Pairs are drawn at random within strata of the match weight, on both sides of the threshold and more of them where the
model itself is in doubt. What reviewers answer is kept by `review_answers`, what it says of the match is reckoned by
`review_estimates`, and the place where they sit is `review_desk`.
"""

import hashlib
import json
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd

from p20kit.errors import Finding
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.job import Job, to_parquet
from p20kit.linkage.pair import Linked, Method, Progress, link_pair

FEWEST = 10
"""Pairs drawn from every stratum at least, or all it has."""
LEAST_PAIRS = 100
BANDS = (0.0, 2.0, 4.0, 8.0)
"""Distance from the threshold (log2 odds) at which the strata of either side begin."""
_LEAST_DOUBT = 0.05
"""A stratum is never taken to be surer than this: the model is too sure of itself."""
_Z = 1.959964

Side = Literal["link", "no link"]


@dataclass(frozen=True)
class Stratum:
    """Pairs of one side of the threshold and one band of weights.

    Attributes
    ----------
    side : str
        `link` or `no link`.
    at_least : float
        Distance from the threshold (log2 odds) at which the band begins; it ends where the next one does.
    pairs, drawn : int
        How many there are, and how many reviewers see.
    """

    side: Side
    at_least: float
    pairs: int
    drawn: int


@dataclass(frozen=True, eq=False)
class Sample:
    """What reviewers see, in the order they see it.

    Attributes
    ----------
    pairs : DataFrame
        `left_id`, `right_id` (text), `stratum` (position in `strata`); the index 0, 1, 2 ... numbers the pairs.
    strata : tuple of Stratum
        Without the empty ones.
    unseen : tuple of float
        Matches that are no pair to be drawn, since no blocking rule proposed them or another pair was equally good:
        least, expected, most. The match's own estimate.
    sha256 : str
        Of pairs and strata: answers belong to one sample.
    """

    pairs: pd.DataFrame
    strata: tuple[Stratum, ...]
    unseen: tuple[float, float, float]
    sha256: str


def repeat_match(job: Job, progress: Progress | None = None) -> Linked:
    """Match a job's files once more as its report says they were, for the pairs that no file keeps.

    Source: EM VII.B.1.c; EM XII.

    Parameters
    ----------
    job : Job
        Of two agencies, with `out/report.json`.
    progress : callable, optional
        As in `link_pair`.

    Raises
    ------
    LinkageRefused
        If the job was not run, or its files or versions give other links than those reported.
    """
    if job.encoded:
        what = "hold encodings: there is nothing in them that a person could compare"
        _refuse("the files", what, "Judge the match by its report, and by figures measured on invented people.")
    kept = job.out / "report.json"
    if not kept.is_file():
        _refuse("out/report.json", "is not there: the job was not run", "Run match_pair on the job first.")
    report: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    if "links_sha256" not in report:
        _refuse("out/report.json", "is of several agencies", "Match two of them with match_pair, and review these.")
    stated = report["method"] | {"deterministic": tuple(report["method"]["deterministic"])}
    linked = link_pair(
        job.left,
        job.right,
        roles=job.roles,
        id_column=job.id_column,
        names=(job.names[0], job.names[1]),
        method=Method(**stated),
        progress=progress,
    )
    if hashlib.sha256(to_parquet(linked.links)).hexdigest() != report["links_sha256"]:
        _refuse("out/report.json", "states other links than its files give", "Run the match again, then review it.")
    return linked


def draw(linked: Linked, *, pairs: int = 200, seed: int = 34) -> Sample:
    """Draw the pairs to be judged: at random within strata, as many of each as make the error rates surest.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    linked : Linked
    pairs : int
        How many; 100 or more.
    seed : int
        The same match and seed give the same sample.

    Raises
    ------
    LinkageRefused
        If fewer are asked for, or there is no link to be judged.
    """
    if pairs < LEAST_PAIRS:
        _refuse("pairs", f"{pairs} are too few to say anything", f"Draw {LEAST_PAIRS} or more.")
    if linked.links.empty:
        _refuse("the match", "has no link to be judged", "Read its report first.")
    listed, strata = _stratify(linked)
    number = listed["stratum"].to_numpy()
    sizes = np.bincount(number)
    chance = np.bincount(number, listed["match_probability"].to_numpy()) / sizes
    chance = np.clip(chance, _LEAST_DOUBT, 1 - _LEAST_DOUBT)
    drawn = allocate(sizes, np.sqrt(chance * (1 - chance)), pairs)
    rng = np.random.default_rng(seed)
    taken = [
        rng.choice(np.flatnonzero(number == i), size=n, replace=False, shuffle=False) for i, n in enumerate(drawn)
    ]
    # The order mixes the strata, so that it gives no reviewer a hint.
    chosen = listed.iloc[rng.permutation(np.concatenate(taken))][["left_id", "right_id", "stratum"]]
    chosen = chosen.reset_index(drop=True)
    counted = tuple(
        Stratum(side, low, int(size), int(n)) for (side, low), size, n in zip(strata, sizes, drawn, strict=True)
    )
    digest = hashlib.sha256(chosen.to_csv(index=False).encode() + repr(counted).encode()).hexdigest()
    return Sample(chosen, counted, _unseen(linked.report), digest)


def allocate(sizes: npt.NDArray[np.int64], spread: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.int64]:
    """Share out a sample among strata so that the variance of their total is least (Wright's exact optimum).

    Parameters
    ----------
    sizes : ndarray of int64
        Units in each stratum.
    spread : ndarray of float64
        Their standard deviation.
    n : int
        Units to draw; each stratum gives `FEWEST` at least, or all it has.

    Returns
    -------
    ndarray of int64
    """
    drawn = np.minimum(sizes, FEWEST)
    for _ in range(max(n - int(drawn.sum()), 0)):
        gain = np.where(drawn < sizes, (sizes * spread) ** 2 / (np.maximum(drawn, 1) * (drawn + 1)), -1.0)
        if gain.max() < 0:
            break
        drawn[int(np.argmax(gain))] += 1
    return drawn


def _stratify(linked: Linked) -> tuple[pd.DataFrame, list[tuple[Side, float]]]:
    """List links and pairs below the threshold with the number of their stratum, and name the strata."""
    both = {"link": linked.links, "no link": linked.unlinked}
    threshold = float(linked.report["method"]["threshold"])
    listed = pd.concat(both, names=["side"]).reset_index(level="side").sort_values(["left_id", "right_id"])
    distance = np.abs(_odds(listed["match_probability"].to_numpy()) - _odds(np.array([threshold])))
    # A link by a deterministic rule may lie below the threshold: it is of the doubtful links.
    sure = listed["match_probability"].to_numpy() >= threshold
    distance[(listed["side"] == "link").to_numpy() & ~sure] = 0.0
    band = np.searchsorted(BANDS, distance, side="right") - 1
    # The first band of the links stands beside the first of the others: the threshold is where they meet.
    key = pd.MultiIndex.from_arrays([listed["side"], np.array(BANDS)[band]])
    named: list[tuple[Side, float]] = sorted(set(key))
    return listed.assign(stratum=pd.Index(named).get_indexer(key)), named


def _odds(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    inside = np.clip(probability, 2.0**-52, 1 - 2.0**-52)
    return np.log2(inside / (1 - inside))


def _unseen(report: dict[str, Any]) -> tuple[float, float, float]:
    """Matches among no pairs: of every two tied pairs one is expected to be a match, and a record has one at most."""
    found, quality = report["estimates"], report["quality"]
    expected, most = float(found["unproposed"]), float(found["unproposed_at_most"])
    fewest = expected**2 / most if most else 0.0
    # What is expected is still counted by chance: Poisson, between the two means, as in the match's own report.
    return (
        max(0.0, fewest - _Z * sqrt(fewest)),
        expected + quality["tied_pairs_left_unlinked"] / 2,
        most + _Z * sqrt(most) + 1.0 + min(quality["tied_records"]),
    )


def _refuse(where: str, what: str, then: str) -> NoReturn:
    raise LinkageRefused("there is nothing to review", [Finding("review", "EM VII.B.1.c", where, what, then)])
