"""Key-encrypting keys that never leave a key-management service.

The service is one that speaks the interface of HashiCorp Vault's transit engine (Vault, OpenBao). It wraps and
unwraps data keys: whoever copies every disk of the hub has nothing that opens without it.

Source: DSA VI.H; EM XV.D.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from hvac import Client
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from enclave.errors import Refused, refuse

_SECONDS = 20
"""How long the service is waited for."""


@dataclass(frozen=True)
class KeyService:
    """Keys of a transit engine, reached over TLS with a token that an agent renews in a file.

    The keys can be neither exported nor backed up by the engine, and each may be deleted only from the moment it is
    destroyed here on.

    Parameters
    ----------
    address : str
        https, host and port.
    token : Path
        File of the token, read at each use.
    mount : str
        Path of the engine: one for each installation.
    namespace : str
    authority : Path, optional
        PEM of the authority that signed the service's certificate; the system's are asked if absent.
    """

    address: str
    token: Path
    mount: str = "transit"
    namespace: str = ""
    authority: Path | None = None

    def create(self, key_id: str) -> None:
        """Make the key of this id; one that is there stays."""
        with self._asked(key_id) as transit:
            closed = {"exportable": False, "allow_plaintext_backup": False}
            transit.create_key(key_id, key_type="aes256-gcm96", mount_point=self.mount, **closed)

    def exists(self, key_id: str) -> bool:
        """Tell whether there is one; a service that does not answer is no answer."""
        with self._asked(key_id) as transit:
            return self._known(transit, key_id)

    def wrap(self, key_id: str, data_key: bytes) -> bytes:
        """Have a data key encrypted."""
        with self._asked(key_id) as transit:
            plain = base64.b64encode(data_key).decode()
            answer: dict[str, Any] = transit.encrypt_data(key_id, plain, mount_point=self.mount)
            return str(answer["data"]["ciphertext"]).encode()

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Have a data key decrypted."""
        with self._asked(key_id) as transit:
            try:
                answer: dict[str, Any] = transit.decrypt_data(key_id, wrapped.decode(), mount_point=self.mount)
            except InvalidRequest as error:
                raise InvalidTag from error
            return base64.b64decode(answer["data"]["plaintext"], validate=True)

    def destroy(self, key_id: str) -> None:
        """Have a key deleted, all its versions."""
        with self._asked(key_id) as transit:
            if self._known(transit, key_id):
                transit.update_key_configuration(key_id, deletion_allowed=True, mount_point=self.mount)
                transit.delete_key(key_id, mount_point=self.mount)

    def _known(self, transit: Any, key_id: str) -> bool:
        try:
            transit.read_key(key_id, mount_point=self.mount)
        except InvalidPath as error:
            if error.errors:  # there is no such engine: it is not said that there is no such key
                raise
            return False
        return True

    @contextmanager
    def _asked(self, key_id: str) -> Iterator[Any]:
        try:
            self._client.token = self.token.read_text("ascii").strip()
            yield self._client.secrets.transit
        except (VaultError, UnicodeDecodeError, OSError) as error:  # a failed connection is an OSError
            raise self._no(key_id, type(error).__name__) from error

    @cached_property
    def _client(self) -> Client:
        trust = str(self.authority) if self.authority else True
        return Client(url=self.address, namespace=self.namespace or None, verify=trust, timeout=_SECONDS)

    def _no(self, key_id: str, why: str) -> Refused:
        return refuse(
            key_id, "key-service", "EM XV.D", f"the key service did not do what it was asked ({why})",
            "Nothing was opened or changed. See that it is unsealed, and that token and policy hold; then try again.",
        )  # fmt: skip
