"""Who somebody is: a provider's signed word, a second factor with it, and no password of ours.

Where the installation names a group, the provider is asked again while a server runs: it may know before the
register does that somebody has left.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
from jupyterhub.user import User
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthLoginHandler, _deserialize_state, _serialize_state
from tornado import web
from traitlets import List, Unicode

from hub_config.config import HubConfig

ALGORITHMS = ["RS256", "PS256", "ES256"]
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


class LoginWithNonce(OAuthLoginHandler):  # type: ignore[misc]
    """Begin a sign-in with a nonce, so that its token answers this sign-in of this browser and no other."""

    def get(self) -> None:
        """Send the browser to the provider."""
        self._nonce = secrets.token_urlsafe(32)
        super().get()

    def set_state_cookie(self, state_cookie_value: str) -> None:
        """Keep the nonce in the signed cookie of the sign-in."""
        begun = _deserialize_state(state_cookie_value)
        super().set_state_cookie(_serialize_state({**begun, "nonce": self._nonce}))

    def authorize_redirect(self, **asked: Any) -> None:
        """Tell the provider the nonce."""
        super().authorize_redirect(**asked | {"extra_params": asked["extra_params"] | {"nonce": self._nonce}})


class VerifiedOIDC(GenericOAuthenticator):  # type: ignore[misc]
    """Log in by OpenID Connect, believing nothing of the id token but what its signature covers.

    The base class exchanges the code (with state and PKCE) and reads the token without verifying it.
    """

    login_handler = LoginWithNonce

    issuer = Unicode(help="The provider, as it names itself in its tokens.").tag(config=True)
    jwks_url = Unicode(help="Where the provider publishes its keys.").tag(config=True)
    second_factor_amr = List(Unicode(), help="Values of 'amr' that show a second factor.").tag(config=True)
    second_factor_acr = List(Unicode(), help="Values of 'acr' that show a second factor.").tag(config=True)
    group = Unicode(help="Who may open a project's server; '{project}' stands for its number.").tag(config=True)

    async def authenticate(
        self, handler: Any, data: dict[str, Any] | None = None, **kwargs: Any
    ) -> dict[str, Any] | None:
        """Exchange the code, then verify what came back.

        Raises
        ------
        tornado.web.HTTPError
            403 when the token does not verify, is for somebody else, or shows no second factor.
        """
        model: dict[str, Any] | None = await super().authenticate(handler, data, **kwargs)
        if model is None:
            return None
        state = model["auth_state"]
        begun = _deserialize_state(handler.get_state_cookie())
        claims = await asyncio.to_thread(self._verified, state.get("id_token") or "", begun.get("nonce", ""))
        # The user info is fetched without a signature: it must be about the person the token is about.
        told = state[self.user_auth_state_key]
        if claims["sub"] != told.get("sub") or claims.get(self.username_claim) != told.get(self.username_claim):
            raise web.HTTPError(403, "the identity provider's answers are about two different people")
        self._require_second_factor(claims)
        # The hub's own administrators may open every server; so there are none, whatever its database says.
        return {**model, "admin": False}

    async def refresh_user(self, user: User, handler: Any = None, **kwargs: Any) -> bool | dict[str, Any]:
        """Ask the provider about somebody again; False when it no longer vouches for them."""
        model: bool | dict[str, Any] = await super().refresh_user(user, handler, **kwargs)
        if isinstance(model, bool):
            return model
        return {**model, "admin": False} if model["name"] == user.name else False

    async def reasons_against(self, user: User, project: str) -> list[str]:
        """Ask the provider whether somebody still belongs to a project's group.

        Returns
        -------
        list of str
            Why not; empty when they do, or the installation names no group.

        Raises
        ------
        Exception
            Whatever keeps the provider from answering: that is no answer.
        """
        if not self.group:
            return []
        wanted = self.group.format(project=project)
        model = await self.refresh_user(user)
        if not isinstance(model, dict):
            return ["the identity provider no longer vouches for you. Sign in again"]
        user.sync_groups(model["groups"])
        await user.save_auth_state(model["auth_state"])
        if wanted in model["groups"]:
            return []
        return [f"the identity provider does not list you in the group {wanted}. Ask your agency to add you"]

    def _verified(self, token: str, nonce: str) -> dict[str, Any]:
        """Return what a token says that the provider signed for this sign-in."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key(token),
                algorithms=ALGORITHMS,
                audience=self.client_id,
                issuer=self.issuer,
                leeway=30,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            # The class says what is wrong; the text may quote the token.
            raise web.HTTPError(403, f"the identity token does not verify ({type(error).__name__})") from error
        if not nonce or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise web.HTTPError(403, "the identity token belongs to another sign-in; sign in again")
        if claims["aud"] not in (self.client_id, [self.client_id]) and claims.get("azp") != self.client_id:
            raise web.HTTPError(403, "the identity token was issued to another application")
        return claims

    def _key(self, token: str) -> jwt.PyJWK:
        """Return the key the token names; a token without a name is for a provider with one key."""
        header = jwt.get_unverified_header(token)
        keys = jwt.PyJWKSet.from_dict(_fetched(self.jwks_url)).keys
        named = [key for key in keys if "kid" not in header or key.key_id == header["kid"]]
        if len(named) != 1:
            raise jwt.InvalidKeyError("no single key of the provider fits")
        return named[0]

    def _require_second_factor(self, claims: dict[str, Any]) -> None:
        methods = claims.get("amr") or []
        if isinstance(methods, list) and set(methods) & set(self.second_factor_amr):
            return
        if claims.get("acr") in self.second_factor_acr:
            return
        raise web.HTTPError(403, "sign in with a second factor: the identity provider reports none for this login")


def configure(c: Any, config: HubConfig) -> None:
    """Write the provider into the hub's configuration `c`.

    Raises
    ------
    ValueError
        If the discovery document names another issuer, or the provider is not reached over https.
    """
    identity = config.identity
    known = _fetched(f"{identity.issuer.rstrip('/')}/.well-known/openid-configuration")
    if known["issuer"] != identity.issuer:
        raise ValueError(f"the provider calls itself another name than {identity.issuer}")
    if not config.demo and any(not known[name].startswith("https://") for name in _ENDPOINTS):
        raise ValueError("an identity provider is reached over https, but for a demonstration on loopback")
    c.JupyterHub.authenticator_class = VerifiedOIDC
    c.VerifiedOIDC.update(
        {
            "issuer": identity.issuer,
            "jwks_url": known["jwks_uri"],
            "client_id": identity.client_id,
            "client_secret": identity.client_secret,
            "authorize_url": known["authorization_endpoint"],
            "token_url": known["token_endpoint"],
            "userdata_url": known["userinfo_endpoint"],
            "oauth_callback_url": f"{config.own_url}/hub/oauth_callback",
            "username_claim": identity.username_claim,
            "scope": list(identity.scopes),
            "second_factor_amr": list(identity.amr),
            "second_factor_acr": list(identity.acr),
            "group": identity.group,
            "login_service": "your agency's sign-in",
            "auto_login": True,
            # Who may do what is the broker's answer, asked at every start and while a server runs.
            "allow_all": True,
        }
    )
    if identity.group:
        c.VerifiedOIDC.manage_groups = c.VerifiedOIDC.enable_auth_state = True
        c.VerifiedOIDC.auth_state_groups_key = f"{VerifiedOIDC.user_auth_state_key}.{identity.groups_claim}"
        c.CryptKeeper.keys = [_key_of_tokens(config.state / "auth_state_key")]


def _key_of_tokens(path: Path) -> str:
    """Return the key under which the hub keeps the provider's tokens; made the first time."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text("ascii")


def _fetched(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError("an identity provider is reached over https")
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        document: dict[str, Any] = json.load(answer)
    return document
