"""A match report to look at: tables and charts from `Linked.report`, all of it aggregates.

Charts are SVG drawn here, so that a page made of them loads nothing from anywhere.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from math import log2
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from IPython.display import HTML, SVG, display

INK, BLUE, RUST, PALE = "#1c2733", "#1f5fa8", "#b5532a", "#c9d3de"
HIDDEN = "fewer than 6"
_NOT_RUN = {"explodes": "not run: too many", "contained": "within a rule above", "empty": "none"}


def files(report: dict[str, Any]) -> HTML:
    """Records, usable identifiers and likely duplicates of the files."""
    roles = report["roles"]["used"]
    rows = [
        [f["agency"], _n(f["records"]), _n(f["unlinkable"]), _n(f["likely_duplicates"])]
        + [_percent(f["completeness"].get(role)) for role in roles]
        for f in report["files"]
    ]
    head = ["Agency", "Records", "Unlinkable", "Likely duplicates", *(r.replace("_", " ") for r in roles)]
    return _table(head, rows, "Share of records that hold each identifier, after placeholders were nulled.")


def of_each_pair(report: dict[str, Any], *views: Callable[[dict[str, Any]], HTML | SVG]) -> None:
    """Show the same views of every two agencies in a report of several."""
    for two, own in report["pairs"].items():
        display(_html(f"<h3>{escape(two)}</h3>"), *(view({**own, "method": report["method"]}) for view in views))


def persons(report: dict[str, Any]) -> HTML:
    """Persons of a crosswalk by the agencies they were found with."""
    rows = [[", ".join(r["agencies"]), _n(r["persons"])] for r in report["persons_by_agencies"]]
    return _table(["Found with exactly", "Persons"], [*rows, ["all together", _n(report["persons"])]])


def refusals(report: dict[str, Any]) -> HTML:
    """Pairs heavy enough to be one person that were not put together, by reason."""
    told = {
        "doubled": "the person would have two records of one agency",
        "chained": "the other records of the person speak against it",
        "tied": "another record was equally good",
    }
    rows = [[told[reason], _n(n)] for reason, n in report["refused"].items()]
    return _table(["Not put together, because", "Pairs"], rows)


def agency_pairs(report: dict[str, Any]) -> HTML:
    """Every two agencies: identifiers compared, links, persons of both, expected errors."""
    rows = [
        [
            two,
            ", ".join(dict.fromkeys(c["identifier"] for c in own["comparisons"])),
            _n(own["match_rate"]["overall"]["linked"]),
            _n(report["persons_of_both"][two]),
            _percent(own["estimates"]["false_match"]["rate"], 2),
            _percent(own["estimates"]["missed_match"]["rate"], 2),
        ]
        for two, own in report["pairs"].items()
    ]
    head = ["Agencies", "Compared", "Links of the two alone", "Persons of both", "False links", "Missed matches"]
    note = f"Estimated for the two alone, before the others' records were asked. {_basis(report)}"
    return _table(head, rows, note)


def rules(report: dict[str, Any]) -> HTML:
    """Blocking rules in order, with what each proposed and what came of it."""
    rows = [
        [str(i), r["rule"], _n(r["pairs_proposed"]), _n(r["first_to_propose"]), _n(r["links"])]
        if r["used"]
        else [str(i), r["rule"], _n(r["pairs_proposed"]) if r["pairs_proposed"] else "", _NOT_RUN[r["outcome"]], ""]
        for i, r in enumerate(report["rules"], 1)
    ]
    return _table(
        ["", "Two records are compared if they agree on", "Pairs proposed", "Scored first here", "Links"], rows
    )


def comparison_levels(report: dict[str, Any]) -> HTML:
    """Every comparison level with m, u and its match weight."""
    rows, last = [], ""
    for c in report["comparisons"]:
        title = "" if c["identifier"] == last else c["identifier"]
        last = c["identifier"]
        name = c["level"] + (" *" if c["term_frequencies"] else "") + (" †" if c["unseen"] else "")
        rows.append([title, name, _small(c["m"]), _small(c["u"]), f"{c['match_weight']:+.1f}"])
    note = "* rare values weigh more than this, common ones less.  † m or u never seen in training: a floor is used."
    return _table(["Identifier", "Level", "m", "u", "Weight"], rows, note)


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
    row = _panels("identifier", frame)
    return _svg(bars.facet(row=row, spacing=16).resolve_scale(y="independent"))


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
    return _svg((bars + line).properties(width=620, height=190))


def thresholds(report: dict[str, Any]) -> HTML:
    """What changes with the threshold; the row in force is marked."""
    rows = report["quality"]["thresholds"]
    cells = [
        [
            f"{t['threshold']:g}" + (" (in force)" if t["in_force"] else ""),
            _n(t["links"]),
            f"{t['expected_false_links']:,.1f}",
            _percent(t["expected_false_match_rate"], 2),
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
    return _table(head, cells, "Model-based; matches that no blocking rule proposed are not among the missed.", force)


def estimates(report: dict[str, Any]) -> HTML:
    """False and missed matches as estimated from the files, with their intervals."""
    found = report["estimates"]
    rows = [
        [title, f"{e['count']:,.1f}", _percent(e["rate"], 2), f"{_percent(e['low'], 2)} to {_percent(e['high'], 2)}"]
        for title, e in (
            ("False links, of all links", found["false_match"]),
            ("Missed matches, of all matches", found["missed_match"]),
        )
    ]
    note = f"Basis: {found['basis']}. Of the missed, {found['unproposed']:,.1f} were proposed by no blocking rule."
    return _table(["Estimated", "Expected number", "Rate", "95 % interval"], rows, note)


def match_rates(report: dict[str, Any]) -> HTML:
    """Match rate over each file, with its interval."""
    rows = [[name, *_rate(r)] for name, r in report["match_rate"]["by_agency"].items()]
    return _table(["Share of the records of", "Records", "Linked", "Match rate", "95 % interval"], rows)


def groups(report: dict[str, Any]) -> HTML:
    """Match rate by group, small groups hidden."""
    rows = []
    for grouping in report["by_group"]:
        for i, g in enumerate(grouping["groups"]):
            values = [HIDDEN, "", "", ""] if g["suppressed"] else _rate(g)
            rows.append([grouping["grouping"] if i == 0 else "", g["group"], *values])
    return _table(["Grouping", "Group", "Records", "Linked", "Match rate", "95 % interval"], rows)


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
        return _html(f"<p>No chart: {reason}.</p>")
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
    row = _panels("grouping", frame)
    panels = alt.layer(line, span, dot).properties(width=430, height=alt.Step(17))
    return _svg(panels.facet(row=row, spacing=16).resolve_scale(y="independent"))


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
        [
            "Threshold, seed, pairs of strangers",
            f"{method['threshold']:g}, {method['seed']}, {_n(method['max_pairs'])} pairs",
        ],
        *(
            [f"Probability that two random records match {two}".strip(), _small(own["prior"])]
            for two, own in models.items()
        ),
        ["Software", ", ".join(f"{name} {version}" for name, version in software.items())],
    ]
    return _table(["", ""], rows, numeric=False)


def _basis(report: dict[str, Any]) -> str:
    return "Basis: " + "; ".join(dict.fromkeys(own["estimates"]["basis"] for own in report["pairs"].values())) + "."


def _rate(r: dict[str, Any]) -> list[str]:
    return [_n(r["records"]), _n(r["linked"]), _percent(r["rate"]), f"{_percent(r['low'])} to {_percent(r['high'])}"]


def _n(value: int) -> str:
    return f"{value:,}"


def _percent(value: float | None, places: int = 1) -> str:
    return "" if value is None else f"{100 * value:.{places}f} %"


def _small(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def _table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    note: str = "",
    force: Sequence[int] = (),
    *,
    numeric: bool = True,
) -> HTML:
    cells = [list(row) for row in rows]
    right = [numeric and bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(head))]

    def line(row: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="n" style="text-align:right">{escape(cell)}</{tag}>'
            if right[i]
            else f'<{tag} style="text-align:left">{escape(cell)}</{tag}>'
            for i, cell in enumerate(row)
        )

    body = "".join(f"<tr{' class=force' if i in force else ''}>{line(row, 'td')}</tr>" for i, row in enumerate(cells))
    top = f"<thead><tr>{line(head, 'th')}</tr></thead>" if any(head) else ""
    caption = f"<caption>{escape(note)}</caption>" if note else ""
    return _html(f"<table>{caption}{top}<tbody>{body}</tbody></table>")


def _is_number(cell: str) -> bool:
    return cell in {"", HIDDEN, *_NOT_RUN.values()} or cell.lstrip("+-")[:1].isdigit()


def _panels(column: str, frame: pd.DataFrame) -> Any:
    """One panel per value of a column, in the frame's order, its name above it on the left."""
    header = alt.Header(
        labelAngle=0,
        labelAlign="left",
        labelAnchor="start",
        labelOrient="top",
        labelFontWeight="bold",
        labelPadding=-4,
    )
    return alt.Row(f"{column}:N", sort=list(dict.fromkeys(frame[column])), title=None, header=header)


def _svg(chart: Any) -> SVG:
    styled = (
        chart.configure(font="Helvetica Neue, Helvetica, Arial, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=11,
            gridColor="#e6ebf0",
            domainColor=PALE,
            tickColor=PALE,
        )
    )
    return _picture(vl_convert.vegalite_to_svg(styled.to_dict()))


def _html(text: str) -> HTML:
    return HTML(text)  # type: ignore[no-untyped-call]


def _picture(svg: str) -> SVG:
    return SVG(svg)  # type: ignore[no-untyped-call]
