"""A match report to look at: tables and charts from `Linked.report`, all of it aggregates."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import log2
from typing import Any

import altair as alt
import pandas as pd
from IPython.display import HTML, SVG, display

from p20kit.linkage.drawing import (
    BLUE,
    HIDDEN,
    NOT_RUN,
    RUST,
    html,
    number,
    panels,
    percent,
    picture_of,
    small,
    table,
    weight,
)
from p20kit.linkage.elements import ROLES
from p20kit.linkage.encoded import COST

_SIGNED = ("Party", "Representative", "Name", "Signature", "Date")


def files(report: dict[str, Any]) -> HTML:
    """Records, usable identifiers and likely duplicates of the files."""
    held = report["files"]
    counts = [
        [title, *(number(file[key]) for file in held)]
        for title, key in (
            ("Records", "records"),
            ("Unlinkable", "unlinkable"),
            ("Likely duplicates", "likely_duplicates"),
        )
    ]
    shares = [
        [ROLES[role].label, *(percent(file["completeness"].get(role)) for file in held)]
        for role in report["roles"]["used"]
    ]
    note = "Per cent: records that hold the identifier, after placeholders were nulled."
    return table(["", *(file["agency"] for file in held)], [*counts, *shares], note)


def encodings(report: dict[str, Any]) -> HTML:
    """Whether identifiers or encodings were matched, and what is known of what encodings cost."""
    if not report["encoded"]:
        return html("<p>The files held identifiers in the clear.</p>")
    cost = f"{COST['encoded']:.3f} encoded and {COST['clear']:.3f} in the clear ({COST['work']})"
    return html(
        "<p><b>Privacy-preserving:</b> the files held keyed encodings; the hub had no identifier of this match. Names"
        " were compared only where two records agree on a date of birth, an SSN or a SASID. This costs accuracy: on"
        f" invented people with known truth F1 was {escape(cost)}. Persons whose date of birth is missing or wrong"
        " are missed more often, and no pair can be looked at by a reviewer. What encodings protect from, and"
        " the attacks they do not withstand: docs/linkage-encodings.md.</p>"
    )


def of_each_pair(report: dict[str, Any], *views: Callable[[dict[str, Any]], HTML | SVG]) -> None:
    """Show the same views of every two agencies in a report of several."""
    for two, own in report["pairs"].items():
        shown = (view({**own, "method": report["method"]}) for view in views)
        display(html(f"<h3>{escape(two)}</h3>"), *shown)  # type: ignore[no-untyped-call]


def persons(report: dict[str, Any]) -> HTML:
    """Persons of a crosswalk by the agencies they were found with."""
    rows = [[", ".join(r["agencies"]), number(r["persons"])] for r in report["persons_by_agencies"]]
    return table(["Found with exactly", "Persons"], [*rows, ["all together", number(report["persons"])]])


def refusals(report: dict[str, Any]) -> HTML:
    """Pairs heavy enough to be one person that were not put together, by reason."""
    told = {
        "doubled": "the person would have two records of one agency",
        "chained": "the other records of the person speak against it",
        "tied": "another record was equally good",
    }
    rows = [[told[reason], number(n)] for reason, n in report["refused"].items()]
    return table(["Not put together, because", "Pairs"], rows)


def agency_pairs(report: dict[str, Any]) -> HTML:
    """Every two agencies: identifiers compared, links, persons of both, expected errors."""
    rows = [
        [
            two,
            ", ".join(dict.fromkeys(c["identifier"] for c in own["comparisons"])),
            number(own["match_rate"]["overall"]["linked"]),
            number(report["persons_of_both"][two]),
            percent(own["estimates"]["false_match"]["rate"], 2),
            percent(own["estimates"]["missed_match"]["rate"], 2),
        ]
        for two, own in report["pairs"].items()
    ]
    head = ["Agencies", "Compared", "Links of the two alone", "Persons of both", "False links", "Missed matches"]
    note = f"Estimated for the two alone, before the others' records were asked. {_basis(report)}"
    return table(head, rows, note)


def rules(report: dict[str, Any]) -> HTML:
    """Blocking rules in order, with what each proposed and what came of it."""
    rows = [
        [str(i), r["rule"], number(r["pairs_proposed"]), number(r["first_to_propose"]), number(r["links"])]
        if r["used"]
        else [
            str(i),
            r["rule"],
            number(r["pairs_proposed"]) if r["pairs_proposed"] else "",
            NOT_RUN[r["outcome"]],
            "",
        ]
        for i, r in enumerate(report["rules"], 1)
    ]
    return table(
        ["", "Two records are compared if they agree on", "Pairs proposed", "Scored first here", "Links"], rows
    )


def comparison_levels(report: dict[str, Any]) -> HTML:
    """Every comparison level with m, u and its match weight."""
    rows, last = [], ""
    for c in report["comparisons"]:
        title = "" if c["identifier"] == last else c["identifier"]
        last = c["identifier"]
        name = c["level"] + (" *" if c["term_frequencies"] else "") + (" †" if c["unseen"] else "")
        rows.append([title, name, small(c["m"]), small(c["u"]), weight(c["match_weight"])])
    note = "* rare values weigh more than this, common ones less.  † m or u never seen in training: a floor is used."
    return table(["Identifier", "Level", "m", "u", "Weight"], rows, note)


def weights_chart(report: dict[str, Any]) -> SVG:
    """Match weight of every comparison level, by identifier."""
    frame = pd.DataFrame(report["comparisons"])
    frame["order"] = range(len(frame))
    bars = (
        alt.Chart(frame)
        .mark_bar(height=9)
        .encode(
            x=alt.X("match_weight:Q", title="match weight (log2): against a match | for a match"),
            y=alt.Y("level:N", sort=alt.SortField("order"), title=None, axis=alt.Axis(labelLimit=260)),
            color=alt.condition("datum.match_weight < 0", alt.value(RUST), alt.value(BLUE)),
        )
        .properties(width=430, height=alt.Step(15))
    )
    row = panels("identifier", frame)
    return picture_of(bars.facet(row=row, spacing=16).resolve_scale(y="independent"))


def histogram(report: dict[str, Any]) -> SVG:
    """Best pairs by match weight; the threshold is where the links begin."""
    frame = pd.DataFrame(report["weights"])
    threshold = report["method"]["threshold"]
    cut = pd.DataFrame({"cut": [log2(threshold / (1 - threshold))]})
    bars = alt.Chart(frame).mark_bar(color=BLUE, stroke="white", strokeWidth=0.5)
    bars = bars.encode(
        x=alt.X("from:Q", bin="binned", title="match weight (log2 odds) of the best pair of each record"),
        x2="to:Q",
        y=alt.Y("pairs:Q", title="pairs"),
    )
    line = alt.Chart(cut).mark_rule(color=RUST, strokeWidth=2, strokeDash=[5, 3]).encode(x="cut:Q")
    return picture_of((bars + line).properties(width=620, height=190))


def thresholds(report: dict[str, Any]) -> HTML:
    """What changes with the threshold; the row in force is marked."""
    rows = report["quality"]["thresholds"]
    cells = [
        [
            f"{t['threshold']:g}" + (" (in force)" if t["in_force"] else ""),
            number(t["links"]),
            f"{t['expected_false_links']:,.1f}",
            percent(t["expected_false_match_rate"], 2),
            f"{t['expected_missed_matches']:,.1f}",
        ]
        for t in rows
    ]
    head = [
        "Match probability at least",
        "Links",
        "Expected false links",
        "False-match rate",
        "Expected missed matches",
    ]
    force = [i for i, t in enumerate(rows) if t["in_force"]]
    return table(head, cells, "Model-based; matches that no blocking rule proposed are not among the missed.", force)


def thresholds_chart(report: dict[str, Any]) -> SVG:
    """Expected false links and missed matches by threshold; the one in force is marked."""
    rows = report["quality"]["thresholds"]
    kinds = {"expected_false_links": "false links", "expected_missed_matches": "missed matches"}
    frame = pd.DataFrame(
        [
            {"threshold": f"{t['threshold']:g}", "expected": t[key], "kind": kind}
            for t in rows
            for key, kind in kinds.items()
        ]
    )
    force = pd.DataFrame({"threshold": [f"{t['threshold']:g}" for t in rows if t["in_force"]]})
    x = alt.X("threshold:O", sort=None, title="match probability at least", axis=alt.Axis(labelAngle=0))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds.values()), range=[RUST, BLUE]),
        title=None,
        legend=alt.Legend(orient="top"),
    )
    lines = alt.Chart(frame).mark_line(point=True).encode(x=x, y=alt.Y("expected:Q", title="expected"), color=colour)
    line = alt.Chart(force).mark_rule(color=RUST, strokeDash=[5, 3]).encode(x=x)
    return picture_of((lines + line).properties(width=560, height=190))


def estimates(report: dict[str, Any]) -> HTML:
    """False and missed matches as estimated from the files, with their intervals."""
    found = report["estimates"]
    rows = [
        [title, f"{e['count']:,.1f}", percent(e["rate"], 2), f"{percent(e['low'], 2)} to {percent(e['high'], 2)}"]
        for title, e in (
            ("False links, of all links", found["false_match"]),
            ("Missed matches, of all matches", found["missed_match"]),
        )
    ]
    note = f"Basis: {found['basis']}. Of the missed, {found['unproposed']:,.1f} were proposed by no blocking rule."
    return table(["Estimated", "Expected number", "Rate", "95 % interval"], rows, note)


def match_rates(report: dict[str, Any]) -> HTML:
    """Match rate over each file, with its interval."""
    rows = [[name, *_rate(r)] for name, r in report["match_rate"]["by_agency"].items()]
    return table(["Share of the records of", "Records", "Linked", "Match rate", "95 % interval"], rows)


def groups(report: dict[str, Any]) -> HTML:
    """Match rate by group, small groups hidden."""
    rows = []
    for grouping in report["by_group"]:
        for i, g in enumerate(grouping["groups"]):
            values = [HIDDEN, "", "", ""] if g["suppressed"] else _rate(g)
            rows.append([grouping["grouping"] if i == 0 else "", g["group"], *values])
    return table(["Grouping", "Group", "Records", "Linked", "Match rate", "95 % interval"], rows)


def groups_chart(report: dict[str, Any]) -> SVG | HTML:
    """Match rate of every group with its 95 % interval, against the rate overall."""
    shown = [
        {"grouping": grouping["grouping"], **g}
        for grouping in report["by_group"]
        for g in grouping["groups"]
        if not g["suppressed"]
    ]
    if not shown:
        reason = "every group is too small to show" if report["by_group"] else "no breakdown was asked for"
        return html(f"<p>No chart: {reason}.</p>")
    frame = pd.DataFrame(shown)
    frame["overall"] = report["match_rate"]["overall"]["rate"]
    y = alt.Y("group:N", sort=None, title=None, axis=alt.Axis(labelLimit=280))
    base = alt.Chart(frame).encode(y=y)
    scale = alt.Scale(zero=False, nice=True)
    axis = alt.Axis(format=".0%")
    span = base.mark_rule(color=BLUE, strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale, axis=axis, title="match rate; line: overall"), x2="high:Q"
    )
    dot = base.mark_point(color=BLUE, filled=True, size=55, opacity=1).encode(x=alt.X("rate:Q", scale=scale))
    line = alt.Chart(frame).mark_rule(color=RUST, strokeDash=[4, 3]).encode(x=alt.X("overall:Q", scale=scale))
    row = panels("grouping", frame)
    layered = alt.layer(line, span, dot).properties(width=430, height=alt.Step(17))
    return picture_of(layered.facet(row=row, spacing=16).resolve_scale(y="independent"))


def last_run(report: dict[str, Any], last: dict[str, Any] | None) -> HTML:
    """What this run found beside the project's run before it, in all and by group."""
    if last is None:
        return html("<p>No earlier run of this project to compare with.</p>")
    then, now = _in_short(last), _in_short(report)
    runs = ["Run", str(last.get("job", "")), str(report.get("job", "")), ""]
    rows = [
        [what, then.get(what, ""), now.get(what, ""), "" if then.get(what) == now.get(what) else "changed"]
        for what in dict.fromkeys([*now, *then])
    ]
    whole = table(["", "Last run", "This run", ""], [runs, *rows], numeric=False)
    groups = _groups_beside(report["by_group"], last["by_group"])
    if not groups:
        return whole
    head = ["Grouping", "Group", "Match rate, last run", "This run", "Change"]
    return html(whole.data + table(head, groups, numeric=False).data)


def _groups_beside(now: Sequence[dict[str, Any]], then: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Set the match rates of every group of two runs side by side; a change only where neither is hidden."""
    runs = [{(by["grouping"], g["group"]): g for by in run for g in by["groups"]} for run in (then, now)]
    rows = []
    for key in dict.fromkeys([*runs[1], *runs[0]]):
        found = [run.get(key) for run in runs]
        shown = ["" if g is None else HIDDEN if g["suppressed"] else _interval(g, 1) for g in found]
        rates = [g["rate"] for g in found if g is not None and not g["suppressed"]]
        moved = (
            "" if len(rates) < 2 else "none" if rates[0] == rates[1] else f"{100 * (rates[1] - rates[0]):+.1f} points"
        )
        rows.append([*key, *shown, moved])
    return rows


def signature_block(signatories: Sequence[tuple[str, str]]) -> HTML:
    """Where the Representatives sign: party and title, and room for name, signature and date."""
    if not signatories:
        return html("<p>The order names no party that signs.</p>")
    room = '<td style="min-width:10rem;height:2.6rem"></td>'
    rows = "".join(
        f"<tr><td>{escape(party)}</td><td>{escape(title)}</td>{3 * room}</tr>" for party, title in signatories
    )
    head = "".join(f'<th style="text-align:left">{each}</th>' for each in _SIGNED)
    return html(f"<table class=short><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def provenance(report: dict[str, Any]) -> HTML:
    """What it would take to run this match again."""
    method, software = report["method"], report["software"]
    models = report.get("pairs") or {"": report}
    rows = [
        ["Job, project", f"{report.get('job', '')}, {report.get('project', '')}"],
        *([f"SHA-256 of {name}", digest] for name, digest in report.get("inputs", {}).items()),
        *(
            [f"SHA-256 of the {kind}", report[f"{kind}_sha256"]]
            for kind in ("links", "crosswalk")
            if f"{kind}_sha256" in report
        ),
        *([f"SHA-256 of the model {two}".strip(), own["model_sha256"]] for two, own in models.items()),
        ["m and u", _learned(models.values())],
        [
            "Threshold, seed, pairs of strangers",
            f"{method['threshold']:g}, {method['seed']}, {number(method['max_pairs'])} pairs",
        ],
        *(
            [f"Probability that two random records match {two}".strip(), small(own["prior"])]
            for two, own in models.items()
        ),
        ["Software", ", ".join(f"{name} {version}" for name, version in software.items())],
    ]
    return table(["", ""], rows, numeric=False)


def _learned(models: Iterable[dict[str, Any]]) -> str:
    kept = any(own["model_kept"] for own in models)
    return "kept from an earlier run; none was trained" if kept else "trained on these files"


def _in_short(report: dict[str, Any]) -> dict[str, str]:
    """Say of a run what is compared with another's."""
    rates = report["match_rate"]["by_agency"]
    models = report.get("pairs") or {"": report}
    return {
        "Threshold": f"{report['method']['threshold']:g}",
        "Seed, pairs of strangers": f"{report['method']['seed']}, {number(report['method']['max_pairs'])}",
        **{f"Records of {name}": number(r["records"]) for name, r in rates.items()},
        **{f"Unlinkable records of {f['agency']}": number(f["unlinkable"]) for f in report["files"]},
        **{f"Match rate of {name}": _interval(r, 1) for name, r in rates.items()},
        **{
            f"{title} {two}".strip(): _interval(own["estimates"][kind], 2)
            for two, own in models.items()
            for kind, title in (("false_match", "False links"), ("missed_match", "Missed matches"))
        },
        **{f"SHA-256 of {name}": digest[:16] for name, digest in report.get("inputs", {}).items()},
        **{f"SHA-256 of the model {two}".strip(): own["model_sha256"][:16] for two, own in models.items()},
        "Software": ", ".join(f"{name} {version}" for name, version in report["software"].items()),
    }


def _interval(r: dict[str, Any], places: int) -> str:
    return f"{percent(r['rate'], places)} ({percent(r['low'], places)} to {percent(r['high'], places)})"


def _basis(report: dict[str, Any]) -> str:
    return "Basis: " + "; ".join(dict.fromkeys(own["estimates"]["basis"] for own in report["pairs"].values())) + "."


def _rate(r: dict[str, Any]) -> list[str]:
    return [
        number(r["records"]),
        number(r["linked"]),
        percent(r["rate"]),
        f"{percent(r['low'])} to {percent(r['high'])}",
    ]
