"""The OpenID Connect client: what is asked of the centre's provider, and what of its answers is believed.

Code flow with PKCE, `state` and `nonce` (OpenID Connect Core 1.0, section 3.1; RFC 7636). Nothing is taken on trust:
the provider must be the one of the settings by name, its token signed by one of its keys, meant for us, of this very
exchange, and of this hour. Needs the extra `oidc` (Authlib); `oidc` imports this module only where it is there.

The provider's address is an administrator's word, so it may be on the centre's own network; no redirection is followed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests_hardened import Config, HTTPSession

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]  # signed with a key that only the provider has
LEEWAY = 60  # seconds between two clocks
TIMEOUT = (5.0, 10.0)
LONGEST_ANSWER = 500_000
SCOPE = "openid email profile"


class Refused(Exception):
    """`code`: "down" (no answer) or "wrong" (an answer not to be believed); the message is for the log."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Provider:
    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was asked, kept in the person's own session until the answer."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says they are; `subject` is theirs for ever, under this issuer."""

    subject: str
    email: str
    verified: bool


def start(provider: Provider, return_to: str) -> tuple[str, Exchange]:
    """Where to send the person, and what to remember until they are back."""
    known = _discover(provider)
    exchange = Exchange(generate_token(32), generate_token(32), generate_token(48))
    address = prepare_grant_uri(
        known["authorization_endpoint"],
        client_id=provider.client_id,
        response_type="code",
        redirect_uri=return_to,
        scope=SCOPE,
        state=exchange.state,
        nonce=exchange.nonce,
        code_challenge=create_s256_code_challenge(exchange.verifier),
        code_challenge_method="S256",
    )
    return str(address), exchange


def finish(provider: Provider, exchange: Exchange, *, state: str, code: str, return_to: str) -> Identity:
    """Trade the code for who they are."""
    if not secrets.compare_digest(state.encode(), exchange.state.encode()):
        raise Refused("wrong", "the state is not that of this exchange")
    known = _discover(provider)
    given = {"grant_type": "authorization_code", "code": code, "redirect_uri": return_to}
    given |= {"client_id": provider.client_id, "code_verifier": exchange.verifier}
    methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    by_header = provider.client_secret and "client_secret_basic" in methods
    if provider.client_secret and not by_header:
        given["client_secret"] = provider.client_secret
    # Each percent-encoded first (RFC 6749, section 2.3.1): a header takes no other letters.
    basic = (quote_plus(provider.client_id), quote_plus(provider.client_secret)) if by_header else None
    tokens = _ask("POST", known["token_endpoint"], data=given, auth=basic)
    keys = _ask("GET", known["jwks_uri"])
    claims = _believed(provider, exchange, tokens, keys)
    return _identity(provider, known, tokens, keys, claims)


def _believed(
    provider: Provider, exchange: Exchange, tokens: Mapping[str, Any], keys: Mapping[str, Any]
) -> Mapping[str, Any]:
    wanted = {"iss": {"essential": True, "value": provider.issuer}}
    wanted |= {"aud": {"essential": True, "value": provider.client_id}}
    wanted |= {"nonce": {"essential": True, "value": exchange.nonce}, "sub": {"essential": True}}
    about = {"client_id": provider.client_id, "nonce": exchange.nonce, "access_token": tokens.get("access_token")}
    try:
        token = _decoded(str(tokens["id_token"]), keys)
        claims = CodeIDToken(token.claims, token.header, wanted, about)
        claims.validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused("wrong", f"the token is not to be believed: {error!r}") from error
    return claims


def _decoded(text: str, keys: Mapping[str, Any]) -> jwt.Token:
    return jwt.decode(text, KeySet.import_key_set({"keys": keys["keys"]}), algorithms=ALGORITHMS)


def _identity(
    provider: Provider,
    known: Mapping[str, Any],
    tokens: Mapping[str, Any],
    keys: Mapping[str, Any],
    claims: Mapping[str, Any],
) -> Identity:
    """Some providers tell the address in the token, others only when they are asked for it."""
    told = claims
    if not claims.get("email") and known.get("userinfo_endpoint") and tokens.get("access_token"):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = _ask("GET", known["userinfo_endpoint"], headers=bearer, keys=keys)
        if told.get("sub") != claims["sub"]:
            raise Refused("wrong", "the user information is somebody else's")
    verified = told.get("email_verified") in (True, "true")
    return Identity(f"{provider.issuer} {claims['sub']}", str(told.get("email") or ""), verified)


# --- asking ----------------------------------------------------------------------------------


def _discover(provider: Provider) -> Mapping[str, Any]:
    """What the provider says of itself: it must name itself as the settings do, and stay on https where it is."""
    known = _ask("GET", provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if known.get("issuer") != provider.issuer:
        raise Refused("wrong", f"the provider calls itself {known.get('issuer')!r}")
    home = urlsplit(provider.issuer)
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        if name == "userinfo_endpoint" and not known.get(name):
            continue
        at = urlsplit(str(known.get(name, "")))
        if at.scheme != "https" and (at.scheme, at.netloc) != (home.scheme, home.netloc):
            raise Refused("wrong", f"{name} is not an address on https")
    return known


def _ask(method: str, address: str, *, keys: Mapping[str, Any] | None = None, **more: Any) -> Mapping[str, Any]:
    """One request, one JSON object; user information may come signed."""
    config = Config(
        ip_filter_enable=False,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=TIMEOUT,
        user_agent_override="Travee",
    )
    headers = {"Accept": "application/json", **more.pop("headers", {})}
    try:
        with HTTPSession(config) as asking:
            asking.trust_env = False
            with asking.request(method, address, headers=headers, stream=True, **more) as answer:
                body = answer.raw.read(LONGEST_ANSWER + 1, decode_content=True)
                answer.raise_for_status()
                signed = answer.headers.get("Content-Type", "").startswith("application/jwt")
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", 0) or 0
        raise Refused("wrong" if 400 <= status < 500 else "down", f"{address}: {error}") from error
    if len(body) > LONGEST_ANSWER:
        raise Refused("wrong", f"{address} does not end")
    try:
        found = _decoded(body.decode("ascii"), keys).claims if signed and keys else json.loads(body)
    except (JoseError, ValueError) as error:
        raise Refused("wrong", f"{address} does not answer in JSON") from error
    if not isinstance(found, dict):
        raise Refused("wrong", f"{address} does not answer with an object")
    return found
