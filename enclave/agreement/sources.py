"""The files under `policies/`: read strictly, every unknown or missing key a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from enclave.agreement.documents import Documents
from enclave.agreement.model import AgencyTerms, Agreement
from enclave.errors import Finding, Invalid, invalid
from enclave.settings import policy_file

P = TypeVar("P", Agreement, AgencyTerms, Documents)


def load(path: Path, kind: type[P]) -> P:
    """Read one YAML file as `kind`.

    Raises
    ------
    Invalid
        If it is missing or not YAML; one finding for every unknown or missing key.
    """
    try:
        body: Any = policy_file(path)
        return kind.model_validate(body)
    except FileNotFoundError as error:
        raise invalid(
            path.name, "policy-file", "EM II", "there is no such file",
            "Transcribe the signed document under policies/.",
        ) from error  # fmt: skip
    except yaml.YAMLError as error:
        raise invalid(path.name, "policy-file", "EM II", "it is not YAML", "Mend the file.") from error
    except ValidationError as error:
        raise Invalid(
            path.name,
            [
                Finding("policy-key", "EM II", ".".join(map(str, e["loc"])), e["msg"].lower(), "Mend the file.")
                for e in error.errors()
            ],
        ) from error
