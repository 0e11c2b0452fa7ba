"""The page a session begins with, for whom everything is shown and for whom nothing is."""

from __future__ import annotations

from hub_config.lab.start_page import start_page
from tests.hub.conftest import ABOUT


def test_nothing_of_the_dictionary_can_break_a_table_or_draw_on_the_page() -> None:
    column = {
        "name": "x",
        "definition": "a | b\nc <img src=x> *d* `e`",
        "owner": "SDE",
        "type": "text",
        "as_of": None,
    }
    table = {"rows": 1, "columns": [{**column, "codes": [str(n) for n in range(20)]}]}
    page = start_page({**ABOUT, "tables": {"crosswalk": {"rows": 2, "columns": []}, "sde": table}}, [])
    (row,) = [line for line in page.splitlines() if line.startswith("| `x`")]
    assert row == "| `x` | a / b c ‹img src=x› ∗d∗ 'e' | SDE | text |  | 0, 1, 2, 3, 4, 5, 6, 7 … (20) |"
    assert "\n- SDE, matching file: Middle names are missing / before 2015.\n" in page
    assert page.index("### sde") < page.index("### crosswalk") and 'project.frame("sde")' in page
    assert "## Begin here" not in page


def test_a_person_to_whom_no_table_is_shown_still_has_a_page() -> None:
    page = start_page({**ABOUT, "tables": {}, "days_left": 1}, ["getting_started.ipynb"])
    assert "No table of this project is shown to you." in page and "(1 day left)" in page
    assert "[Getting started](templates/getting_started.ipynb)" in page and "## What a release must keep to" in page
