"""How a protected table looks in a notebook: hidden cells marked, and a legend that cites the policy."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd

from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, RECIPIENT_CLAUSE, CellPolicy

MAX_ROWS = 60

MARKS = {
    "primary": ("●", "#f6d5d5"),
    "complementary": ("○", "#fbeecb"),
    "structural": ("–", "#eeeeee"),
}
CELL = "padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd"
HEAD = "padding:.2em .7em;text-align:left;border-bottom:2px solid #555"
STUB = "padding:.2em .7em;text-align:left;font-weight:normal;border-bottom:1px solid #ddd"


def as_html(tables: Sequence[tuple[str, list[str], pd.DataFrame]], policy: CellPolicy) -> str:
    """Draw protected tables, the last by-column across.

    Parameters
    ----------
    tables : sequence of (title, by-columns, frame of `Protected.to_frame`)
    policy : CellPolicy
    """
    return "".join(_table(title, by, frame) for title, by, frame in tables) + _legend(policy)


def _table(title: str, by: list[str], frame: pd.DataFrame) -> str:
    across = list(dict.fromkeys(frame[by[-1]])) if len(by) > 1 else ["count"]
    down = by[:-1] if len(by) > 1 else by
    heads = "".join(f'<th scope="col" style="{HEAD}">{escape(str(h))}</th>' for h in [*down, *across])
    rows = []
    groups = frame.groupby(down, sort=False, observed=True)
    for codes, part in list(groups)[:MAX_ROWS]:
        names = "".join(f'<th scope="row" style="{STUB}">{escape(str(code))}</th>' for code in codes)
        marks = zip(part["count"], part["status"], strict=True)
        rows.append(f"<tr>{names}{''.join(_cell(count, status) for count, status in marks)}</tr>")
    more = f"<p>{groups.ngroups - MAX_ROWS} more rows: use to_frame()</p>" if groups.ngroups > MAX_ROWS else ""
    caption = f"<caption style='text-align:left;font-weight:bold'>{escape(title)}</caption>"
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>{more}"


def _cell(count: object, status: str) -> str:
    if status == "shown":
        return f'<td style="{CELL}">{count:,}</td>'
    mark, colour = MARKS[status]
    return f'<td style="{CELL};color:#222;background:{colour}" title="{status}">{mark}</td>'


def _legend(policy: CellPolicy) -> str:
    zeros = "0 included" if policy.hides_zeros else "0 is shown"
    return (
        f"<p><span style='color:#222;background:{MARKS['primary'][1]}'>&nbsp;●&nbsp;</span> hidden: fewer than "
        f"{policy.minimum_count} individuals, {zeros} ({COUNT_CLAUSE}; {RECIPIENT_CLAUSE}) &nbsp; "
        f"<span style='color:#222;background:{MARKS['complementary'][1]}'>&nbsp;○&nbsp;</span> hidden so that no ● "
        f"can be worked out ({COMPLEMENTARY_CLAUSE}; {RECIPIENT_CLAUSE}) &nbsp; – cannot occur. "
        "In the released copy ● and ○ look the same.</p>"
    )
