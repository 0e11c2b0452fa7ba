"""The kinds of paper and what each must say; `policies/papers.yaml` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from enclave.errors import invalid, refuse
from enclave.settings import PACKAGED_POLICIES, policy_file


class Kind(BaseModel):
    """What the documents want of one kind of paper.

    Parameters
    ----------
    about : str
        Whom or what one is about: project, programme, party, agency, organization, vendor, person, subject.
    of_project : bool
        Whether each Data Request has its own.
    items : dict of str to str
        What it must say, each ticked by itself.
    ends : bool
        It must say until when it holds.
    statuses : dict of str to bool
        The statuses it may have, and which of them must say until when.
    names : str
        What it must name, in words; empty where nothing.
    second : bool
        Another than who added it must have looked at it.
    attached : bool
        It is with the agreement before anyone signs.
    by : str
        What enters it, where more is asked than a paper needs; empty where it is added as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    clause: str
    about: str
    of_project: bool = False
    items: dict[str, str] = {}
    ends: bool = False
    statuses: dict[str, bool] = {}
    names: str = ""
    second: bool = False
    attached: bool = False
    by: str = ""


@cache
def kinds() -> Mapping[str, Kind]:
    """Give every kind of paper by its name."""
    table = policy_file(PACKAGED_POLICIES / "papers.yaml")
    return MappingProxyType({name: Kind.model_validate(body) for name, body in table.items()})


def kind_of(name: str) -> Kind:
    """Give a kind of paper.

    Raises
    ------
    Invalid
        If there is none of that name.
    """
    if name not in kinds():
        raise invalid(
            name, "paper-kind", "EM XVIII.P", "there is no such kind of paper", f"One of {', '.join(kinds())}."
        )
    return kinds()[name]


def added_as_is(name: str) -> Kind:
    """Give a kind of paper that is added as it is, without anything more being asked.

    Source: EM XVIII.P.

    Raises
    ------
    Invalid
        If there is none of that name.
    Refused
        If it is entered by another act.
    """
    kind = kind_of(name)
    if kind.by:
        raise refuse(name, "paper-by", kind.clause, f"{kind.title} is not added by itself", f"Use {kind.by}.")
    return kind
