"""Which cryptographic module does the work, and whether it runs in its FIPS mode.

Source: EM XV.A.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.backends.openssl.backend import backend


@dataclass(frozen=True)
class Module:
    """The library behind every seal and signature of this process.

    Parameters
    ----------
    version : str
        As it calls itself.
    fips : bool
        Whether it refuses what FIPS 140 does not approve.
    """

    version: str
    fips: bool


def module() -> Module:
    """Give the module that this process has loaded."""
    return Module(backend.openssl_version_text(), backend._fips_enabled)
