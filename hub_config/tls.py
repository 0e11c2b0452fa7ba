"""Certificate and key of the public port: checked before they are used, read again when they are renewed.

Source: DSA II.I.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from enclave.errors import EnclaveError, Finding, Invalid

log = logging.getLogger("enclave.tls")
_CLAUSE = "DSA II.I"


class Credentials:
    """What the public port shows to browsers.

    Parameters
    ----------
    certificate, key : Path
        PEM; the certificate's own chain follows it in its file. The key is not encrypted, and its owner's alone.

    Raises
    ------
    Invalid
        If they cannot be used, or others may read the key.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files."""
        self._files = (certificate, key)
        self._read_at = self._written_at()
        self.context = _context(certificate, key)

    def renew(self) -> None:
        """Read the files again if they changed; what cannot be used is logged, and the earlier ones go on."""
        written_at = self._written_at()
        if written_at in (self._read_at, ()):
            return
        self._read_at = written_at
        try:
            _context(*self._files)
        except EnclaveError as error:
            log.error("%s", error)
            return
        self.context.load_cert_chain(*self._files)
        log.info("the certificate was renewed")

    def _written_at(self) -> tuple[int, ...]:
        try:
            return tuple(path.stat().st_mtime_ns for path in self._files)
        except OSError:
            return ()  # being replaced: looked at again a few seconds later


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    if findings := list(_against(certificate, key)):
        raise Invalid("TLS", findings)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError):
        next = "Give PEM files that belong together, the key without a password."
        finding = Finding("tls-pair", _CLAUSE, certificate.name, f"it does not go with {key.name}", next)
        raise Invalid("TLS", [finding]) from None
    return context


def _against(certificate: Path, key: Path) -> Iterator[Finding]:
    for path in (certificate, key):
        if not path.is_file():
            yield Finding("tls-file", _CLAUSE, str(path), "there is no such file", "Mend `tls` in the hub's file.")
    if key.is_file() and (mode := key.stat().st_mode & 0o077):
        what = f"accounts other than its owner's may use the key (mode bits {mode:03o})"
        yield Finding("tls-key", _CLAUSE, str(key), what, f"Run `chmod 600 {key}`, and have it issued anew.")


def redirecting(public_url: str) -> web.Application:
    """Return the application that sends browsers from http to https, and does nothing else.

    Parameters
    ----------
    public_url : str
        https address of the enclave: what the request names as its host is not believed.
    """

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD") or not request.raw_path.startswith("/"):
            return web.Response(status=403, text="this address is reached over https only")
        return web.Response(status=308, headers={"Location": f"{public_url}{request.raw_path}"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", elsewhere)
    return application


__all__ = ["Credentials", "redirecting"]
