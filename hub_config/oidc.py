"""Who somebody is: a provider's signed word, a second factor with it, and no password of ours."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import jwt
from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from traitlets import List, Unicode

from hub_config.config import Identity

ALGORITHMS = ["RS256", "PS256", "ES256"]


class VerifiedOIDC(GenericOAuthenticator):  # type: ignore[misc]
    """Log in by OpenID Connect, believing nothing of the id token but what its signature covers.

    The base class exchanges the code (with state and PKCE) and reads the token without verifying it.
    """

    issuer = Unicode(help="The provider, as it names itself in its tokens.").tag(config=True)
    jwks_url = Unicode(help="Where the provider publishes its keys.").tag(config=True)
    second_factor_amr = List(Unicode(), help="Values of 'amr' that show a second factor.").tag(config=True)
    second_factor_acr = List(Unicode(), help="Values of 'acr' that show a second factor.").tag(config=True)

    async def authenticate(
        self, handler: web.RequestHandler, data: dict[str, Any] | None = None, **kwargs: Any
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
        claims = await asyncio.to_thread(self._verified, state.get("id_token") or "")
        # The user info is fetched without a signature: it must be about the person the token is about.
        told = state[self.user_auth_state_key]
        if claims["sub"] != told.get("sub") or claims.get(self.username_claim) != told.get(self.username_claim):
            raise web.HTTPError(403, "the identity provider's answers are about two different people")
        self._require_second_factor(claims)
        return model

    def _verified(self, token: str) -> dict[str, Any]:
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


def configure(c: Any, identity: Identity, public_url: str) -> None:
    """Write the provider into the hub's configuration `c`.

    Raises
    ------
    ValueError
        If the discovery document names another issuer.
    """
    known = _fetched(f"{identity.issuer.rstrip('/')}/.well-known/openid-configuration")
    if known["issuer"] != identity.issuer:
        raise ValueError(f"the provider calls itself another name than {identity.issuer}")
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
            "oauth_callback_url": f"{public_url}/hub/oauth_callback",
            "username_claim": identity.username_claim,
            "scope": ["openid", "profile", "email"],
            "second_factor_amr": list(identity.amr),
            "second_factor_acr": list(identity.acr),
            "login_service": "your agency's sign-in",
            "auto_login": True,
            # Who may do what is the broker's answer, asked at every start and while a server runs.
            "allow_all": True,
        }
    )


def _fetched(url: str) -> dict[str, Any]:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise ValueError("an identity provider is reached over https")
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
        document: dict[str, Any] = json.load(answer)
    return document
