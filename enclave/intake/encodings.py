"""The agency's side of a promise to send encodings: identifiers are checked, standardised and encoded at home.

What the hub checks of identifiers it cannot check of encodings: it is checked here, before they are made.

Source: DSA III.G.1; EM IX; EM XII.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from enclave.agreement import Policy
from enclave.errors import Finding, Refused, refuse
from enclave.intake.examine import examine, turn_away
from enclave.intake.names import Layout, encoded_layout, encoding_of
from enclave.terms import GENERIC_ID
from enclave.vault import EncodedWith, EncodingSecret


def encoded_with(policy: Policy, secret: EncodingSecret) -> EncodedWith:
    """Say of a file what it is encoded with: digest of the parameters and check value, which tells nothing else."""
    from p20kit.linkage.encoding import key_check

    return EncodedWith(schema_sha256=encoding_of(policy).sha256, key_check=key_check(_key(policy, secret)))


def encode_file(plain: Path, layout: Layout, policy: Policy, secret: EncodingSecret, folder: Path) -> Path:
    """Check an agency's file of identifiers and encode it.

    Parameters
    ----------
    plain : Path
        The file of identifiers; it stays where it is.
    layout : Layout
        Of that file.
    folder : Path
        Private; gets the encoded file, under the same name.

    Returns
    -------
    Path
        The encoded file, as `seal_file` takes it.

    Raises
    ------
    Invalid, Refused
        With every finding, those that the hub would have of the identifiers among them.
    """
    from p20kit.linkage.encoding import encode  # heavy: pandas and what standardises
    from p20kit.linkage.errors import LinkageRefused
    from p20kit.linkage.inputs import check_standardised
    from p20kit.linkage.standardise import standardise

    if secret.project != policy.project:
        raise refuse(
            plain.name, "secret-project", "EM IX", f"the secret is of {secret.project}",
            f"Agree on one for {policy.project}: encodings of two projects must not be alike.",
        )  # fmt: skip
    with examine(plain, plain.name, layout, folder) as examined:
        turn_away(plain.name, examined.findings)
    table = pd.read_parquet(folder / "canonical.parquet")
    side = standardise(table, {e.links_as: name for name, e in layout.elements.items() if e.links_as})
    try:
        check_standardised({layout.source: side})
    except LinkageRefused as error:
        raise Refused(plain.name, [Finding(**finding.to_dict()) for finding in error.findings]) from None
    columns = encoded_layout(policy, layout).columns[1:]
    made = encode(side, table[GENERIC_ID], encoding=encoding_of(policy), key=_key(policy, secret), columns=columns)
    target = folder / plain.name
    made.to_csv(target, sep="\t", index=False, quoting=csv.QUOTE_NONE, lineterminator="\n")
    return target


def _key(policy: Policy, secret: EncodingSecret) -> bytes:
    from p20kit.linkage.encoding import project_key

    return project_key(secret.value, policy.project, encoding_of(policy))
