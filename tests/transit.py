"""What HashiCorp documents of Vault's transit engine, over TLS, for want of a server: no package of Debian's is one.

It shows that we ask as the documentation says and take its answers as they are meant; not that a server does so.
"""

from __future__ import annotations

import base64
import json
import os
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.hub.certificates import Authority

TOKEN = "s.invented-token"
_PATH = re.compile(r"/v1/transit/(keys|encrypt|decrypt)/([\w.-]+)(/config)?")
Answer = tuple[int, dict[str, Any]]


@dataclass
class Engine:
    """Keys by name, and the token that is believed; `sealed` answers nothing.

    Parameters
    ----------
    address : str
    authority : Path
        Certificate of who signed its own.
    """

    address: str
    authority: Path
    keys: dict[str, bytes] = field(default_factory=dict)
    deletable: set[str] = field(default_factory=set)
    token: str = TOKEN
    sealed: bool = False

    def answer(self, method: str, path: str, token: str, asked: dict[str, Any]) -> Answer:
        """Answer as the documentation of the engine's interface says."""
        found = _PATH.fullmatch(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token != self.token:
            return 403, {"errors": ["permission denied"]}
        if found is None:
            return 404, {"errors": ["no handler for route"]}
        what, name, config = found.groups()
        if what == "keys" and not config and method in ("POST", "PUT"):
            refused = asked.get("exportable") or asked.get("allow_plaintext_backup")
            assert asked["type"] == "aes256-gcm96" and not refused
            self.keys.setdefault(name, AESGCM.generate_key(256))
            return 204, {}
        if name not in self.keys:
            return (404, {"errors": []}) if method == "GET" else (400, {"errors": ["encryption key not found"]})
        if what != "keys":
            return self._used(what, self.keys[name], asked)
        if method == "GET":
            return 200, {"data": {"name": name, "type": "aes256-gcm96", "deletion_allowed": name in self.deletable}}
        if config:
            (self.deletable.add if asked["deletion_allowed"] else self.deletable.discard)(name)
            return 204, {}
        if name not in self.deletable:
            return 400, {"errors": ["deletion is not allowed for this key"]}
        del self.keys[name]
        return 204, {}

    @staticmethod
    def _used(what: str, key: bytes, asked: dict[str, Any]) -> Answer:
        if what == "encrypt":
            nonce, plain = os.urandom(12), base64.b64decode(asked["plaintext"], validate=True)
            made = base64.b64encode(nonce + AESGCM(key).encrypt(nonce, plain, None)).decode()
            return 200, {"data": {"ciphertext": f"vault:v1:{made}", "key_version": 1}}
        whole = base64.b64decode(asked["ciphertext"].removeprefix("vault:v1:"))
        try:
            plain = AESGCM(key).decrypt(whole[:12], whole[12:], None)
        except InvalidTag:
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Serve an engine on a loopback port."""
    authority = Authority(folder)
    authority.issue("localhost", folder / "server.pem", folder / "server.key")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = json.loads(self.rfile.read(size) or "{}")
            status, said = made.answer(self.command, self.path, self.headers.get("X-Vault-Token", ""), asked)
            body = json.dumps(said).encode() if said else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Engine(f"https://localhost:{server.server_address[1]}", authority.certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
