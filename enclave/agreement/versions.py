"""Policies that were in force before, and what differs between two.

Source: DSA VII.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from enclave.agreement.lifecycle import of
from enclave.agreement.policy import Policy
from enclave.errors import refuse
from enclave.store import View

_NAMES = (("code",), ("name",), ("id",), ("about",), ("flag",), ("agency", "contents"))


@dataclass(frozen=True)
class Version:
    """A policy that an amendment took the place of (DSA VII)."""

    KIND: ClassVar[str] = "agreement-version"
    project: str
    number: int
    policy: Policy
    until: date

    @property
    def key(self) -> str:
        """Project and number."""
        return f"{self.project}/{self.number}"


@dataclass(frozen=True)
class Change:
    """One place in which two policies differ; empty where one has nothing there."""

    where: str
    before: str
    after: str


def policy_of(view: View, project: str, number: int = 0) -> Policy:
    """Give a policy of a project: the one in force, or an earlier one by its number.

    Source: DSA VII.

    Raises
    ------
    Refused
        If there is no such version.
    """
    agreement = of(view, project)
    if number in (0, agreement.version):
        return agreement.policy
    known = view.get(Version, f"{project}/{number}")
    if known is None:
        raise refuse(
            project, "version", "DSA VII", f"there is no version {number}", f"Versions 1 to {agreement.version}."
        )
    return known.policy


def taken_away(view: View, project: str) -> frozenset[str]:
    """Give the elements, as ``agency.element``, and the agencies that an amendment took away.

    Taken away is what no longer reaches the Data Recipient: not asked for any more, or for matching alone.

    Source: DSA VII.
    """
    earlier = [_given(each.policy) for each in view.find(Version, project)]
    return frozenset().union(*earlier) - _given(of(view, project).policy) if earlier else frozenset()


def _given(policy: Policy) -> frozenset[str]:
    elements = {
        f"{agency}.{element.name}"
        for agency, asked in policy.agreement.elements.items()
        for element in asked
        if not element.matching
    }
    return frozenset(elements | {*policy.agencies})


def diff(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Say what differs between two policies, in the order of the older.

    Source: DSA VII.
    """
    return tuple(_differences("", before.model_dump(mode="json"), after.model_dump(mode="json")))


def _differences(where: str, before: Any, after: Any) -> Iterator[Change]:
    if before == after:
        return
    old, new = _parts(before), _parts(after)
    if old is None or new is None:
        yield Change(where, _text(before), _text(after))
        return
    for name in dict.fromkeys([*old, *new]):
        yield from _differences(f"{where}.{name}".lstrip("."), old.get(name), new.get(name))


def _parts(value: Any) -> dict[str, Any] | None:
    """Give the parts of a value by their names: a list of named things has their names, not their places."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for names in _NAMES:
            named = {".".join(str(each[n]) for n in names): each for each in value if set(names) <= set(each)}
            if len(named) == len(value):
                return named
    return None


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return "; ".join(
            f"{name}: {_text(each)}" for name, each in value.items() if each not in ("", [], None, False)
        )
    return "" if value is None else str(value)
