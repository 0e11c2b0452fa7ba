"""What a clerical review found, to look at: tables from `review_estimates.estimate`, all of it aggregates."""

from typing import Any

from IPython.display import HTML

from p20kit.linkage.drawing import html, number, percent, table
from p20kit.linkage.review import BANDS
from p20kit.linkage.review_answers import ANSWERS


def strata(found: dict[str, Any]) -> HTML:
    """Pairs of every stratum, how many of them were drawn, and what was said of these."""
    rows = [
        [
            s["side"],
            _band(s["at_least"]),
            *(number(s[count]) for count in ("pairs", "drawn", "match", "no_match", "undecided")),
        ]
        for s in found["strata"]
    ]
    note = "Undecided: reviewers differ and no third has settled it, or they cannot tell."
    head = ["", "From the threshold (log2 odds)", "Pairs", "Drawn", "Match", "No match", "Undecided"]
    return table(head, rows, note)


def agreement(found: dict[str, Any]) -> HTML:
    """How often each answer of one reviewer met each of the other's, and Cohen's kappa."""
    said = found["agreement"]
    if said is None:
        return html("<p>No agreement to measure: two reviewers have not judged the same pairs yet.</p>")
    one, other = said["reviewers"]
    kappa = "not defined: both gave one answer only" if said["kappa"] is None else f"{said['kappa']:.2f}"
    note = f"The same answer to {number(said['same'])} of {number(said['pairs'])} pairs; Cohen's kappa {kappa}."
    if third := found["adjudication"]:
        note += (
            f" A third person saw the {number(third['differed'])} pairs on which they differ, and neither answer, and"
            f" settled {number(third['settled'])}; agreement is measured before."
        )
    rows = [[each, *(number(said["table"][each][then]) for then in ANSWERS)] for each in ANSWERS]
    return table([f"{one} said", *(f"{other}: {then}" for then in ANSWERS)], rows, note)


def worth(found: dict[str, Any]) -> HTML:
    """Precision and recall of the links, with their intervals and what they rest on."""
    if found["precision"] is None:
        return html("<p>Nothing to estimate yet: a stratum has no judged pair.</p>")
    titles = {
        "precision": "Precision: links that are matches",
        "recall_proposed": "Recall, of the matches that stand in a pair",
        "recall": "Recall, with those that stand in none",
    }
    third = found["adjudication"]
    rows = [
        [title, percent(found[key]["rate"], 2), _interval(found[key])]
        + ([_interval(third["before"][key])] if third else [])
        for key, title in titles.items()
        if found[key]
    ]
    unseen = found["unseen"]
    note = (
        f"Basis: {found['basis']}. In no pair: {unseen['count']:,.1f} matches ({unseen['low']:,.1f} to"
        f" {unseen['high']:,.1f}), as the match itself estimates them; no reviewer can see those."
    )
    before = ["Interval before a third settled"] if third else []
    return table(["Estimated", "Rate", "95 % interval", *before], rows, note)


def _interval(estimated: dict[str, float]) -> str:
    return f"{percent(estimated['low'], 2)} to {percent(estimated['high'], 2)}"


def _band(at_least: float) -> str:
    end = next((f"{end:g}" for end in BANDS if end > at_least), None)
    return f"{at_least:g} to {end}" if end else f"{at_least:g} and more"
