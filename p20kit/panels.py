"""`panel`: a request in preparation, what stays hidden in it and why, and the ways that would pass, to choose from.

Everything works with the keyboard: the ways are radio buttons, and what is said changes with them. What is chosen
becomes a line of code, because the gate runs the code again and not the clicks: the button runs that line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from p20kit.choices import Choice, choices
from p20kit.errors import Finding, P20KitError, RequestInvalid
from p20kit.project import Project, open_project
from p20kit.protection import Protected
from p20kit.release import OUTBOX, preflight, request_release
from p20kit.tables import Table, listed
from p20kit.verdict import Verdict

SAID = {
    "cleared": "✓ The gate would clear this by itself.",
    "needs-review": "◐ Nothing speaks against it that a program can see. A person looks at this:",
    "refused": "✕ It would not leave as it is:",
}
WORDS = ("title", "report", "questions", "audience", "population")
EACH = 3
"""Findings of one rule that are spelled out."""
_STYLE = """<style>.p20-panel h2 { margin: 0 0 .3em; font-size: 1.2em; font-weight: 600; }
.p20-panel p { margin: 0 0 .4em; line-height: 1.45; max-width: 60em; } .p20-panel ul { margin: 0 0 .5em; }
.p20-panel li { line-height: 1.45; max-width: 60em; overflow-wrap: anywhere; }
.p20-panel .widget-html-content, .p20-panel label, .p20-panel code { color: var(--jp-ui-font-color1, inherit); }
.p20-panel summary { cursor: pointer; } .p20-panel code { background: rgba(128, 128, 128, .14); padding: .1em .4em; }
.p20-panel label { height: auto; line-height: 1.6; white-space: normal; }
.p20-panel input[type=radio] { accent-color: currentcolor; }
.p20-panel :focus-visible { outline: 2px solid currentcolor; outline-offset: 2px; }</style>"""


def panel(
    tables: Table | Sequence[Table],
    *,
    project: Project | None = None,
    earlier: Sequence[Protected | Table] = (),
    outbox: str | Path = OUTBOX,
    **words: Any,
) -> Panel:
    """Show what would be released of tables, why not all of it, and the ways to choose from.

    Source: DSA III.G.2; DSA VI.D.2; ExA 3.f.

    Parameters
    ----------
    tables : Table or sequence of Table
        As `tabulate` makes them; what is to be hidden is chosen here.
    project : Project, optional
        The open project; opened from /project when not given.
    earlier : sequence of Protected or Table
        What has been released before, as far as you know it.
    outbox : str or Path, default "/home/analyst/outbox"
    **words
        The words of the request, as `request_release` takes them. Without them nothing is written from here.

    Returns
    -------
    Panel
        Give it a name: `review = panel(...)`, then `review`.

    Raises
    ------
    TableInvalid
        If there are no tables.
    """
    return Panel(listed(tables, "look at"), project or open_project(), earlier, outbox, words)


class Panel:
    """A request in preparation.

    Attributes
    ----------
    view : ipywidgets.VBox
        All of it; what a notebook shows.
    ways : ipywidgets.RadioButtons
        The ways to choose from, what the gate releases first.
    displayed : ipywidgets.HTML
        The tables, as they would be with the way chosen.
    told : ipywidgets.HTML
        What the gate would say to it.
    write : ipywidgets.Button
        Runs the line that writes the request.
    """

    def __init__(
        self,
        tables: tuple[Table, ...],
        project: Project,
        earlier: Sequence[Protected | Table],
        outbox: str | Path,
        words: dict[str, Any],
    ) -> None:
        self._tables, self._project, self._earlier, self._outbox = tables, project, earlier, outbox
        self._words, self._verdicts = words, dict[str, Verdict]()
        self._choices = {choice.name: choice for choice in choices(tables, project.policy, earlier)}
        options = [(_offered(choice), name) for name, choice in self._choices.items()]
        wide = widgets.Layout(width="auto")
        self.ways = widgets.RadioButtons(options=options, value=options[0][1], layout=wide)
        self.displayed, self.told, self._line = (widgets.HTML(layout=wide) for _ in range(3))
        beside = widgets.Layout(width="auto", align_self="flex-start")
        self.write = widgets.Button(description="Write the request", button_style="primary", layout=beside)
        counted = widgets.HTML(f"{_STYLE}{self._as_counted()}", layout=wide)
        asked = widgets.HTML("<h2>What would pass</h2>", layout=wide)
        parts = [counted, asked, self.ways, self.told, self.displayed, self._line, self.write]
        self.view = widgets.VBox(parts, layout=widgets.Layout(padding="0 0 .5em 0"))
        self.view.add_class("p20-panel")
        self.ways.observe(lambda _: self._show(), names="value")
        self.write.on_click(lambda _: self._write())

    def take(self, way: str) -> Protected:
        """Give the tables as one of the ways protects them.

        Raises
        ------
        RequestInvalid
            If there is no such way, or it cannot be asked for.
        """
        choice = self._choices.get(way)
        if choice is None or choice.protected is None:
            named = ", ".join(repr(name) for name, each in self._choices.items() if each.protected is not None)
            what = choice.why_not if choice is not None else "there is no such way"
            finding = Finding("way", "ExA 3.f", way, what, f"Take one of {named}." if named else "Change the tables.")
            raise RequestInvalid("nothing can be asked for so", [finding])
        return choice.protected

    def ask(self, way: str) -> Path:
        """Write the request for the tables as one of the ways protects them.

        Source: DSA III.G.2; DSA VI.G.1.

        Returns
        -------
        Path
            As `request_release` gives it.

        Raises
        ------
        RequestInvalid
            If there is no such way, it cannot be asked for, or words of the request are missing.
        """
        taken, missing = self.take(way), [word for word in WORDS if word not in self._words]
        if missing:
            finding = Finding("words", "DSA VI.G.1", ", ".join(missing), "not said", "Give them to panel().")
            raise RequestInvalid("the request was not written", [finding])
        return request_release(taken, project=self._project, outbox=self._outbox, **self._words)

    def verdict(self, way: str) -> Verdict:
        """Say what the gate would say to one of the ways.

        Source: DSA III.G.2; DSA VI.D.2.
        """
        if way not in self._verdicts:
            self._verdicts[way] = self._judged(self.take(way))
        return self._verdicts[way]

    def _judged(self, tables: Protected | tuple[Table, ...]) -> Verdict:
        return preflight(tables, project=self._project, earlier=self._earlier, **self._words)

    def _as_counted(self) -> str:
        found = self._judged(self._tables)
        if found.verdict != "refused":
            return f"<h2>As counted</h2><p>{SAID[found.verdict]}</p>{_reasons(found.look_at)}"
        count = len(found.findings)
        return (
            f"<h2>As counted</h2><p>{SAID['refused'].rstrip(':')}: {count} finding{'s' * (count != 1)}.</p>"
            f"<details><summary>The reasons</summary>{_reasons(found.findings)}</details>"
        )

    def _show(self) -> None:
        """Show the way that is chosen: the tables, what the gate would say, and the line that asks for it."""
        choice = self._choices[str(self.ways.value)]
        shown = choice.displayed
        self.displayed.value = shown._repr_html_() if shown is not None else ""
        if choice.protected is None:
            self._tell(f"✕ {choice.why_not}")
            self._line.value, self.write.disabled = "", True
            return
        verdict = self.verdict(choice.name)
        self._tell(SAID[verdict.verdict], (*verdict.findings, *verdict.look_at))
        missing = [word for word in WORDS if word not in self._words]
        name = self._name()
        self.write.disabled = bool(missing) or not name or verdict.verdict == "refused"
        if not name:
            said = "Give the panel a name to go on with what you chose: <code>review = panel(…)</code>."
        elif missing:
            line = f"chosen = {name}.take({choice.name!r})"
            said = f"To go on with it: <code>{escape(line)}</code>. To ask from here, say {', '.join(missing)}."
        else:
            said = f"The button runs <code>{escape(f'{name}.ask({choice.name!r})')}</code>, as a cell would."
        self._line.value = f"<p>{said}</p>"

    def _write(self) -> None:
        """Run the line that asks, as a cell of this session: the code that is sent along has it, a click is none."""
        from IPython import get_ipython

        shell = get_ipython()
        if shell is None or not self._name():
            return
        done = shell.run_cell(f"{self._name()}.ask({str(self.ways.value)!r})", store_history=True)
        error = done.error_in_exec or done.error_before_exec
        if isinstance(error, P20KitError):
            self._tell("✕ It was not written:", error.findings)
        elif error is not None:
            self._tell(f"✕ It was not written: {type(error).__name__}.")
        else:
            self._tell(f"✓ Request {Path(done.result).parent.name} is in the outbox.")
            self.write.disabled = True  # until another way is chosen: asked for once is enough

    def _name(self) -> str:
        """Find what the notebook calls this panel."""
        from IPython import get_ipython

        shell = get_ipython()
        names = shell.user_ns.items() if shell is not None else ()
        return next((name for name, held in names if held is self and not name.startswith("_")), "")

    def _tell(self, said: str, why: Iterable[Finding] = ()) -> None:
        self.told.value = f'<div role="status"><p>{escape(said)}</p>{_reasons(why)}</div>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        self._show()
        # The text is what a page without a session shows; a widget's own would spell out what is in it.
        return {**self.view._repr_mimebundle_(**options), "text/plain": repr(self)}

    def __repr__(self) -> str:
        """Say the ways, never a count."""
        return f"<Panel: {'; '.join(self._choices)}>"


def _offered(choice: Choice) -> str:
    """Say of a way what it displays."""
    shown, of = choice.shown
    said = f"{choice.name.capitalize()}: {shown:,} of {of:,} figures exact" if of else choice.name.capitalize()
    return f"{said}; {choice.why_not[0].lower()}{choice.why_not[1:].partition(':')[0]}" if choice.treated else said


def _reasons(findings: Iterable[Finding]) -> str:
    """List findings in words, of each rule the first ones."""
    listed = []
    for _, same in groupby(sorted(dict.fromkeys(findings), key=lambda f: f.rule), key=lambda f: f.rule):
        several = [str(finding) for finding in same]
        listed += [f"<li>{escape(said)}</li>" for said in several[:EACH]]
        more = len(several) - EACH
        listed += [f"<li>And {more:,} more of this kind.</li>"] if more > 0 else []
    return f"<ul>{''.join(listed)}</ul>" if listed else ""
