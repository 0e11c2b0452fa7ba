"""Looks at the way in: what the hub's file says of browsers, sign-in and sessions.

Source: EM XIV.B; DSA II.I; DSA III.C.
"""

from __future__ import annotations

from enclave.controls.evidence import Evidence, Installed, deviates, holds

_UNKNOWN = deviates("the hub's file was not named: nothing is known of it", "Name it with --hub.")


def encrypted_browsers(installed: Installed) -> Evidence:
    """Look whether browsers and the identity provider are reached by TLS."""
    entrance = installed.entrance
    if entrance is None:
        return _UNKNOWN
    plain = [url for url in (entrance.public_url, entrance.issuer) if not url.startswith("https://")]
    if not plain:
        return holds(f"browsers reach {entrance.public_url}, and it asks {entrance.issuer}")
    what = f"without TLS: {', '.join(url or 'the address for browsers' for url in plain)}"
    return deviates(what, "Put TLS in front of the public port and name its https address as `public_url`.")


def second_factor(installed: Installed) -> Evidence:
    """Look whether a second factor is asked for at every sign-in."""
    entrance = installed.entrance
    if entrance is None:
        return _UNKNOWN
    if entrance.second_factors:
        return holds(f"one of {', '.join(entrance.second_factors)} is asked for")
    return deviates(
        "no value shows a second factor: nobody can sign in", "Name the provider's values as `amr` or `acr`."
    )


def watched_sessions(installed: Installed) -> Evidence:
    """Look what runs sessions, what they may show, and how often their leave is asked about."""
    entrance = installed.entrance
    if entrance is None:
        return _UNKNOWN
    if entrance.shown_bytes is None:
        what = f"{entrance.rooms}; npm's proxy in place of the glass: nothing shown in a browser is closed or counted"
        return deviates(what, "Take `weaker_proxy` out of the hub's file and start the hub again.")
    what = (
        f"{entrance.rooms}; {entrance.shown_bytes:,} bytes shown a day; "
        f"leave asked about every {entrance.asked_every} seconds"
    )
    if entrance.asked_every <= 60:
        return holds(what)
    return deviates(what, "Set `reconcile_seconds` to 60 or less: a stop must reach sessions at once.")
