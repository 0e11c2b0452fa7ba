"""Exhibits B and C as they are signed: their words, with who signs, for which project, and with whom to share.

Source: ExB; ExC.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import jinja2

from enclave.agreement import of
from enclave.people.register import Listing, Person, listing_of
from enclave.store import View
from enclave.terms import ANALYSTS


def exhibit_form(view: View, project: str, person: str, exhibit: Literal["B", "C"]) -> str:
    """Give an exhibit as a page to print and sign; nothing is loaded from elsewhere.

    Exhibit C of the documents names another project beside this one's number; here it names this one.

    Source: ExB; ExC; DSA VI.E.

    Raises
    ------
    Refused
        If the person is not on the project's list.
    """
    listing_of(view, project, person)
    shared = [view.get(Person, each.person) for each in view.find(Listing, project) if each.role in ANALYSTS]
    return _page().render(
        exhibit=exhibit,
        person=view.get(Person, person),
        project=project,
        title=of(view, project).policy.agreement.title,
        shared=sorted((each for each in shared if each and each.id != person), key=lambda each: each.name),
        today=view.today,
    )


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(__file__).with_name("exhibits.html.j2").read_text("utf-8"))
