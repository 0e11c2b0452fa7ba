"""Templates: every value is escaped unless a template of ours says otherwise, and none does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from enclave.calendar import STATE_TIME
from enclave.clauses import clauses
from enclave.errors import Finding
from enclave.review import Statement
from enclave.web.access import Place
from enclave.web.home import ROLES
from enclave.web.identity import SignedIn
from enclave.web.visit import Page

PLACES = {
    Place.PROJECT: "Project",
    Place.DECISIONS: "Decisions",
    Place.PEOPLE: "People",
    Place.PAPERS: "Papers",
    Place.INTAKE: "Intake",
    Place.MATCHING: "Matches",
    Place.REQUESTS: "Releases",
    Place.DESTRUCTION: "Destruction",
    Place.LEDGER: "Ledger",
}
_CODE = re.compile(r"`([^`]+)`")
_HEADLINES = {
    401: "Sign in first",
    403: "Refused",
    404: "Not found",
    422: "Not complete",
    500: "Our fault",
}


class Look:
    """What a page looks like."""

    def __init__(self, prefix: str, hub: str, today: Callable[[], date]) -> None:
        self._today = today
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            prefix=prefix, hub=hub, clause_titles=clauses(), places=PLACES, roles=ROLES, Place=Place,
            statements=tuple(Statement),
        )  # fmt: skip
        self._templates.filters.update(
            day=_day, moment=_moment, number=_number, figure=_figure, sentence=_sentence, short=_short, told=_told,
            coded=_coded,
        )  # fmt: skip

    def page(self, page: Page[Any], me: SignedIn, said: str) -> str:
        """Give a page as HTML."""
        template = self._templates.get_template(f"{page.template}.html")
        return template.render(
            vars(page.model), title=page.title, me=me, said=said, standing=page.standing, as_of=self._today()
        )

    def problem(self, status: int, subject: str, findings: Iterable[Finding], me: SignedIn | None) -> str:
        """Give a refusal, or what else went wrong, as HTML."""
        headline = _HEADLINES.get(status, "Not taken")
        template = self._templates.get_template("problem.html")
        return template.render(
            title=headline,
            status=status,
            subject=subject,
            findings=tuple(findings),
            me=me,
            said="",
            standing=None,
            as_of=self._today(),
        )


def _day(value: date | str | None) -> str:
    if value is None or value == "":
        return "–"
    day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{day.day} {day:%b %Y}"


def _moment(value: datetime) -> str:
    """Give a moment as Connecticut's clocks have it."""
    here = value.astimezone(STATE_TIME)
    return f"{_day(here.date())}, {here:%H:%M}"


def _figure(value: float) -> str:
    """Give a figure with its places, in groups of three."""
    return f"{value:,.10g}"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _coded(text: str) -> Markup:
    """Give a text in which commands and names of settings, between backticks, are set as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped first


def _short(digest: str) -> str:
    return digest[:12]


def _told(details: dict[str, Any]) -> str:
    """Give the details of an entry on one line; long digests cut."""
    parts = []
    for name, value in details.items():
        if value is None or value == [] or value == "":
            continue
        text = ", ".join(map(_cut, value)) if isinstance(value, list | tuple) else _cut(value)
        parts.append(f"{name} {text}")
    return " · ".join(parts)


def _cut(value: object) -> str:
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"
