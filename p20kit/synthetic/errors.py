"""How the agencies' records differ from the people: every rate of the error model, in one frozen value."""

from dataclasses import dataclass, field, fields, replace
from typing import Any

STRUCTURAL: dict[str, Any] = {"structural": True}


def _habit(share: float) -> Any:
    """A habit of the agency's form, which no clean-up would remove: `scaled` leaves it alone."""
    return field(default=share, metadata=STRUCTURAL)


@dataclass(frozen=True)
class ErrorModel:
    """Rates at which a record departs from the truth, as it is for DOL wage records.

    Each rate is the share of the records *to which it can happen* (a day-month swap needs a day up to 12,
    a nickname a name that has one). The cleaner files of SDE and CSCU have `sde_share` and `cscu_share` of the
    recording errors (typing, nicknames, swaps, dates, sex).

    Attributes
    ----------
    typo : float
        Per name field: a neighbouring key, a sound-alike, two letters exchanged, one lost or doubled.
    nickname, swapped_names, middle_as_first : float
        First name: nickname; exchanged with the last name; replaced by the middle name.
    first_initial : float
        First name cut to its initial; only in the wage record.
    dob_day_month, dob_digit, dob_first_of_january, dob_missing : float
        Date of birth: day and month exchanged; day, month or year wrong; 1 January for want of better; missing.
        The last two only where the agency does not need the date (DOL, CSCU).
    sex_wrong, sex_unknown : float
    surname_changed : float
        Women over 28 in the SDE file who took another name on marriage; fewer when younger, none under 20.
    surname_not_updated : float
        Of those whose surname changed: DOL still has the old one.
    second_surname_dropped, second_surname_only : float
        Of those with two surnames, in the wage record.
    suffix_recorded : float
        Of the Juniors; a habit.
    middle_missing, middle_initial : float
        Middle name absent, or an initial only, in the wage record; habits.
    ssn_wrong, ssn_missing, ssn_placeholder : float
        Missing and placeholder (999999999) only in CSCU's file: a wage record is filed under its SSN.
    sasid_wrong : float
        In CSCU's file.
    sasid_present : float
        Share of CSCU's records with a SASID; a habit.
    """

    typo: float = 0.025
    nickname: float = 0.06
    first_initial: float = 0.03
    swapped_names: float = 0.004
    middle_as_first: float = 0.008
    dob_day_month: float = 0.006
    dob_digit: float = 0.015
    dob_first_of_january: float = 0.004
    dob_missing: float = 0.03
    sex_wrong: float = 0.004
    sex_unknown: float = 0.01
    surname_changed: float = 0.28
    surname_not_updated: float = 0.15
    second_surname_dropped: float = 0.45
    second_surname_only: float = 0.04
    ssn_wrong: float = 0.015
    ssn_missing: float = 0.14
    ssn_placeholder: float = 0.003
    sasid_wrong: float = 0.005
    suffix_recorded: float = _habit(0.45)
    middle_missing: float = _habit(0.3)
    middle_initial: float = _habit(0.55)
    sasid_present: float = _habit(0.42)
    sde_share: float = _habit(0.35)
    cscu_share: float = _habit(0.5)

    def __post_init__(self) -> None:
        """Refuse what is not a share.

        Raises
        ------
        ValueError
            If a rate is outside [0, 1].
        """
        for each in fields(self):
            rate = getattr(self, each.name)
            if not 0 <= rate <= 1:
                raise ValueError(f"{each.name} = {rate} is not a share: choose a rate from 0 to 1")

    def scaled(self, factor: float) -> "ErrorModel":
        """Return the model with every rate of error times `factor`, at most 1; habits of the forms stay.

        Raises
        ------
        ValueError
            If `factor` is negative.
        """
        errors = (each.name for each in fields(self) if not each.metadata.get("structural"))
        return replace(self, **{name: min(1.0, getattr(self, name) * factor) for name in errors})
