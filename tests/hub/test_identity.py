"""Who may sign in: what the provider signed, with a second factor, and nothing else."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tornado import web

from demo import hub_client
from hub_config import oidc
from tests.hub.conftest import Hub

ISSUER, CLIENT = "http://127.0.0.1:1/", "enclave"
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": CLIENT, "sub": "ana", "iat": now, "exp": now + 3600, "amr": ["mfa"], **changed}


@pytest.fixture(scope="module")
def authenticator() -> Iterator[oidc.VerifiedOIDC]:
    """An authenticator whose provider publishes KEY over HTTP."""
    published = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    keys = json.dumps({"keys": [{**published, "kid": "k", "alg": "RS256"}]}).encode()

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever).start()
    yield oidc.VerifiedOIDC(
        issuer=ISSUER,
        client_id=CLIENT,
        jwks_url=f"http://127.0.0.1:{server.server_port}/jwks",
        second_factor_amr=["mfa"],
        second_factor_acr=["2"],
    )
    server.shutdown()
    server.server_close()


def verify(token: str, authenticator: oidc.VerifiedOIDC) -> dict[str, Any]:
    """Verify a token as the authenticator does at a sign-in."""
    found: dict[str, Any] = authenticator._verified(token)
    authenticator._require_second_factor(found)
    return found


def signed(told: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str = "k") -> str:
    return jwt.encode(told, key, algorithm=algorithm, headers={"kid": kid})


def test_an_honest_token_is_believed(authenticator: oidc.VerifiedOIDC) -> None:
    assert verify(signed(claims()), authenticator)["sub"] == "ana"


@pytest.mark.parametrize(
    ("token", "word"),
    [
        (signed(claims(), OTHER_KEY), "InvalidSignature"),
        (signed(claims(), "", "none"), "not verify"),
        (signed(claims(), "x" * 64, "HS256"), "not verify"),
        (signed(claims(), kid="another"), "InvalidKey"),
        (signed(claims(aud="another")), "InvalidAudience"),
        (signed(claims(iss="http://elsewhere/")), "InvalidIssuer"),
        (signed(claims(exp=1)), "ExpiredSignature"),
        (signed({key: value for key, value in claims().items() if key != "exp"}), "MissingRequiredClaim"),
        (signed(claims(amr=["pwd"])), "second factor"),
        (signed(claims(amr="mfa")), "second factor"),
        (signed(claims(amr=None, acr="1")), "second factor"),
        ("", "not verify"),
        ("a.b.c", "not verify"),
    ],
)
def test_any_other_is_not(token: str, word: str, authenticator: oidc.VerifiedOIDC) -> None:
    with pytest.raises(web.HTTPError, match=word):
        verify(token, authenticator)


def test_a_second_factor_may_be_told_by_its_class(authenticator: oidc.VerifiedOIDC) -> None:
    assert verify(signed(claims(amr=["pwd"], acr="2")), authenticator)["acr"] == "2"


def test_a_password_alone_does_not_sign_in(hub: Hub) -> None:
    with pytest.raises(hub_client.HubError, match="second factor") as refused:
        hub_client.login(hub.base_url, "eve")
    assert refused.value.status == 403


def test_there_is_no_password_of_ours(hub: Hub) -> None:
    page = hub_client.requests.get(f"{hub.base_url}/hub/login", timeout=10)
    assert 'type="password"' not in page.text
    answer = hub_client.requests.post(
        f"{hub.base_url}/hub/login", data={"username": "ana", "password": "x"}, timeout=10
    )
    assert answer.status_code in (403, 405)
