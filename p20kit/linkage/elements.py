"""Roles: what a matching identifier is for, whatever a file calls its column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["given", "middle", "surname", "suffix", "date", "sex", "identifier", "text", "code"]


@dataclass(frozen=True)
class Role:
    """One matching identifier: its kind says how it is standardised and compared."""

    name: str
    kind: Kind
    label: str


ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role("first_name", "given", "First name"),
        Role("middle_name", "middle", "Middle name"),
        Role("last_name", "surname", "Surname"),
        Role("suffix", "suffix", "Name suffix"),
        Role("dob", "date", "Date of birth"),
        Role("sex", "sex", "Sex"),
        Role("ssn", "identifier", "SSN"),
        Role("sasid", "identifier", "SASID"),
        Role("zip", "code", "ZIP code"),
        Role("town", "text", "Town"),
        Role("street", "text", "Street"),
        Role("street2", "text", "Second address line"),
        Role("street_number", "code", "House number"),
        Role("state", "code", "State"),
        Role("occupation", "text", "Occupation"),
    )
}


class RoleError(ValueError):
    """The roles given cannot carry a match; the message names roles and columns, never a value."""


def usable_roles(
    roles: Mapping[str, str], left: Iterable[str], right: Iterable[str], *, names_will_do: bool = False
) -> tuple[dict[str, str], dict[str, str]]:
    """Split the roles into those both files can fill and those one of them lacks.

    Parameters
    ----------
    roles : mapping of str to str
        Role to column name.
    left, right : iterable of str
        The columns of the two files.
    names_will_do : bool
        Nothing beside the names is asked for: a third file ties the two together.

    Returns
    -------
    used, missing : dict of str to str
        Role to column name, in the order of `ROLES`.

    Raises
    ------
    RoleError
        If a role is unknown, or if too little remains to tell one person from another.
    """
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise RoleError(f"unknown roles: {', '.join(unknown)}. Choose from: {', '.join(ROLES)}")
    shared = set(left) & set(right)
    used = {role: roles[role] for role in ROLES if role in roles and roles[role] in shared}
    missing = {role: roles[role] for role in ROLES if role in roles and role not in used}
    if not {"first_name", "last_name"} <= set(used) or not (names_will_do or set(used) & {"dob", "ssn", "sasid"}):
        raise RoleError(
            "a match needs first_name, last_name and one of dob, ssn, sasid in both files;"
            f" shared here: {', '.join(used) or 'none'}"
        )
    return used, missing
