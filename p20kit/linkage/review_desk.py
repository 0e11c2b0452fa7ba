"""Where a reviewer sits: two records side by side, one key per answer, and the next pair.

Nothing of a person is in the notebook before a reviewer signs in, and nothing stays when all is judged. The match
weight, the side of the threshold and the other reviewers' answers are not shown: they would answer for the reviewer.
A third person, who settles where two differ, sees those pairs alone.
"""

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any, Literal

import ipywidgets as widgets
import pandas as pd

from p20kit.linkage.elements import ROLES
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.job import Job
from p20kit.linkage.review import Sample
from p20kit.linkage.review_answers import Answer, Answers

LETTERS: Mapping[str, Answer | Literal["back"]] = {"m": "match", "n": "no match", "c": "cannot tell", "b": "back"}
# Half-transparent, so that they are read on a light page and on a dark one.
_MARKS = {True: ("=", ""), False: ("≠", "background:rgba(217,119,6,.18)"), None: ("", "opacity:.65")}
_CELL = "padding:.3rem 1.5rem .3rem .6rem;text-align:left;border-bottom:1px solid rgba(128,140,152,.35)"


class Desk:
    """One reviewer's place.

    Attributes
    ----------
    view : ipywidgets.VBox
        All of it; what a notebook shows.
    name, begin : ipywidgets.Text, ipywidgets.Button
        Sign in: nothing of a person is shown before.
    record : ipywidgets.HTML
        The pair to be judged.
    key : ipywidgets.Text
        The keyboard: `m`, `n`, `c` answer, `b` goes back; always empty.
    buttons : dict of str to ipywidgets.Button
        The same for the mouse, by answer, and `back`.
    told : ipywidgets.HTML
        How far it is, or why something was not done.
    """

    def __init__(self, job: Job, sample: Sample, answers: Answers) -> None:
        self._sides = [(name, job.files[name].set_index(job.id_column)) for name in job.names[:2]]
        self._roles, self._sample, self._answers = job.roles, sample, answers
        self._reviewer, self._mine, self._at = "", dict[int, Answer](), 0
        self.name = widgets.Text(
            value=job.reviewer, description="Reviewer", placeholder="your name", disabled=bool(job.reviewer)
        )
        self.begin = widgets.Button(description="Begin", button_style="primary")
        self.record, self.told = widgets.HTML(), widgets.HTML()
        self.key = widgets.Text(description="Key", placeholder="m, n, c; b for back", disabled=True)
        self.buttons = {
            does: widgets.Button(description=f"{does.capitalize()} ({letter})", disabled=True)
            for letter, does in LETTERS.items()
        }
        sign_in, row = widgets.HBox([self.name, self.begin]), widgets.HBox([self.key, *self.buttons.values()])
        self.view = widgets.VBox([sign_in, self.record, row, self.told])
        self.begin.on_click(lambda _: self._sign_in())
        self.key.observe(self._press, names="value")
        for does, button in self.buttons.items():
            button.on_click(partial(self._do, does))

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        # The text is what a page without a session shows; a widget's own would spell out what is in it.
        return {**self.view._repr_mimebundle_(**options), "text/plain": "Pairs are judged in the hub's own session."}

    def _do(self, does: Answer | Literal["back"], _: object = None) -> None:
        if does == "back":
            self._back()
        elif self._at < len(self._answers.asked):
            self._answer(does)

    def _sign_in(self) -> None:
        reviewer = str(self.name.value).strip()
        objections = self._answers.objections(reviewer)
        if objections:
            self._tell(str(objections[0]))
            return
        third = self._answers.to_settle is not None
        before = self._answers.settling() if third else self._answers.by_reviewer()
        self._reviewer, self._mine = reviewer, before.get(reviewer, {})
        self.name.disabled = self.begin.disabled = True
        self._at = -1
        self._go_on()

    def _press(self, change: Mapping[str, Any]) -> None:
        letter = str(change["new"]).strip().lower()
        if not change["new"]:
            return
        self.key.value = ""
        does = LETTERS.get(letter)
        if does is None:
            self._tell("Keys: m match, n no match, c cannot tell, b back.")
        else:
            self._do(does)

    def _answer(self, answer: Answer) -> None:
        try:
            self._answers.add(self._reviewer, self._answers.asked[self._at], answer)
        except LinkageRefused as error:
            self._tell(str(error))
            return
        self._mine[self._answers.asked[self._at]] = answer
        self._go_on()

    def _back(self) -> None:
        if self._at == 0:
            self._tell("This is the first pair.")
            return
        self._at -= 1
        self._show()

    def _go_on(self) -> None:
        """Show the next pair this reviewer has not judged; from the end go round to those left out."""
        asked, n = self._answers.asked, len(self._answers.asked)
        ahead = (i % n for i in range(self._at + 1, self._at + 1 + n))
        left = next((i for i in ahead if asked[i] not in self._mine), None)
        self._at = n if left is None else left
        self._show()

    def _show(self) -> None:
        asked, n = self._answers.asked, len(self._answers.asked)
        done = self._at == n
        self.record.value = "" if done else self._side_by_side()
        self.key.disabled = False
        for does, button in self.buttons.items():
            button.disabled = done and does != "back"
        self.key.focus()
        earlier = None if done else self._mine.get(asked[self._at])
        of = f"{n} on which two reviewers differ" if self._answers.to_settle is not None else str(n)
        where = "All is judged; b goes back." if done else f"Pair {self._at + 1} of {of}."
        self._tell(f"{where} {len(self._mine)} of {n} judged." + (f" Your answer was: {earlier}." if earlier else ""))

    def _side_by_side(self) -> str:
        pair = self._sample.pairs.iloc[self._answers.asked[self._at]]
        (a, left), (b, right) = self._sides
        one, other = left.loc[pair["left_id"]], right.loc[pair["right_id"]]
        head = "".join(f'<th style="{_CELL}">{escape(title)}</th>' for title in ("", a, "", b))
        rows = "".join(
            _row(ROLES[role].label, one.get(column), other.get(column)) for role, column in self._roles.items()
        )
        head = f"<thead><tr>{head}</tr></thead>"
        return f'<table style="border-collapse:collapse;font-size:1rem">{head}<tbody>{rows}</tbody></table>'

    def _tell(self, text: str) -> None:
        self.told.value = f'<p role="status">{escape(text)}</p>'


def _row(label: str, left: object, right: object) -> str:
    one, other = (_text(value) for value in (left, right))
    mark, style = _MARKS[None if not one or not other else one.casefold() == other.casefold()]
    cells = [f"<b>{escape(label)}</b>", escape(one) or "—", mark, escape(other) or "—"]
    return f'<tr style="{style}">' + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value).strip()  # type: ignore[call-overload]
