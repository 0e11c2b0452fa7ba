"""An identity provider that signs, or forges, whatever a test has it say of the next sign-in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
CLIENT = "enclave"


class Forger:
    """What it says next, and what it was asked.

    Attributes
    ----------
    token : callable
        Takes the honest claims of this sign-in, the nonce among them, and returns the id token.
    told : dict
        The user info.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.honest()

    def honest(self) -> None:
        """Say the truth about ana, with a second factor."""
        self.token: Callable[[dict[str, Any]], str] = signed
        self.told = {"sub": "ana"}
        self._nonce = ""

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return a document, or where to send the browser."""
        if path == "/authorize":
            self._nonce = query.get("nonce", "")
            return f"{query['redirect_uri']}?{urlencode({'code': 'c', 'state': query['state']})}"
        if path == "/token":
            return {"access_token": "a", "token_type": "Bearer", "id_token": self.token(self._claims())}
        if path == "/userinfo":
            return self.told
        if path == "/jwks":
            published = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
            return {"keys": [{**published, "kid": "k", "alg": "RS256"}]}
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "userinfo_endpoint": "userinfo"}
        return {"issuer": self.issuer} | {
            name: f"{self.issuer}/{place}" for name, place in (places | {"jwks_uri": "jwks"}).items()
        }

    def _claims(self) -> dict[str, Any]:
        now = int(time.time())
        person = {"sub": "ana", "amr": ["pwd", "mfa"], "nonce": self._nonce}
        return {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 3600, **person}


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str = "k") -> str:
    """Sign claims; with the published key, unless told otherwise."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def saying(**changed: Any) -> Callable[[dict[str, Any]], str]:
    """Sign the honest claims with these in their place; None leaves one out."""
    return lambda claims: signed({name: told for name, told in {**claims, **changed}.items() if told is not None})


@contextmanager
def forging() -> Iterator[Forger]:
    """Run a forger on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, query: str) -> None:
            said = forger.answer(urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(query).items()})
            elsewhere = isinstance(said, str)
            self.send_response(302 if elsewhere else 200)
            self.send_header("Location" if elsewhere else "Content-Type", said if elsewhere else "application/json")
            body = b"" if elsewhere else json.dumps(said).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forger = Forger(f"http://127.0.0.1:{server.server_port}")
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield forger
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
