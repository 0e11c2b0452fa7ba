"""`policies/controls.yaml`: which statements of NIST SP 800-171 and SATRE the system touches, and what holds them.

Source: EM XV.A.1.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from enclave.errors import Finding, Invalid
from enclave.settings import policy_file

CATALOGUE = "controls.yaml"


class Control(BaseModel):
    """One thing the system does, and the statements it answers.

    Parameters
    ----------
    id, does : str
        Our own name of it, and what it does.
    r2, r3 : tuple of str
        Requirements of NIST SP 800-171, Revision 2 and Revision 3.
    satre : tuple of str
        Statements of the SATRE specification, version 2.
    by, proven : tuple of str
        Functions and classes that do it, and the tests that fail when they break.
    looks : tuple of str
        What is looked at in a running installation; empty where the tests are all there is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    does: str
    r2: tuple[str, ...] = ()
    r3: tuple[str, ...] = ()
    satre: tuple[str, ...] = ()
    by: tuple[str, ...]
    proven: tuple[str, ...]
    looks: tuple[str, ...] = ()


def read_catalogue(policies: Path) -> tuple[Control, ...]:
    """Read the controls of an installation's policies.

    Raises
    ------
    Invalid
        If the file is missing, or a key in it is unknown or missing.
    """
    try:
        body = policy_file(policies / CATALOGUE)
        return tuple(Control.model_validate(each) for each in body)
    except (OSError, yaml.YAMLError, TypeError, ValidationError) as error:
        what = "it is no list of controls that can be read"
        raise Invalid(CATALOGUE, [Finding("controls", "EM XV.A.1", "", what, "Mend the file.")]) from error
