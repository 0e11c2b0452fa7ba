"""`python -m demo.provider HOME ...`: the identity provider of a demonstration, which believes whoever types a name.

The options after the home are those of `oidc_provider_mock`.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from enclave.errors import EnclaveError, refuse
from enclave.settings import load


def main() -> None:
    """Serve until ended; end at once, with exit code 3, for an installation that is not a demonstration."""
    home = Path(sys.argv.pop(1))
    try:
        if not load(home).demo:
            raise refuse(
                "local identity provider", "demonstration-only", "DSA III.B",
                "this installation is not a demonstration, and the provider asks for no password",
                "Name your agencies' provider in the hub's file.",
            )  # fmt: skip
    except EnclaveError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    runpy.run_module("oidc_provider_mock", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
