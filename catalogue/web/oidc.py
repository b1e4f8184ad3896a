"""Signing in with the centre's own accounts (OpenID Connect), where the settings name a provider.

An option: without the extra `oidc`, or with settings that cannot work, there is no button, and `travee check` says why.
No account is made here (`signing_in.enter_by_provider`).
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from importlib.util import find_spec
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import abort, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from catalogue import signing_in
from catalogue.config import Settings
from catalogue.i18n import N_, _
from catalogue.web import ctx
from catalogue.web.auth import asked_for, blueprint, enter, sign_in_page
from catalogue.web.public import absolute

if TYPE_CHECKING:
    from catalogue.web.openid_client import Provider

log = logging.getLogger("travee")

KEPT = "oidc"  # in the session
WITHIN = 600  # seconds to sign in over there
SENTENCES = {
    "down": N_("Le compte de votre organisme ne répond pas. Réessayez dans un instant, ou prenez le mot de passe."),
    "wrong": N_(
        "La réponse du compte de votre organisme n’a pas pu être vérifiée. Recommencez ; si cela dure, "
        "écrivez à qui administre Travée."
    ),
    "denied": N_("Vous n’avez pas autorisé la connexion. Recommencez, ou prenez le mot de passe."),
    "late": N_("Cette connexion a trop attendu, ou a été ouverte deux fois. Recommencez."),
    "unknown": N_(
        "Aucun compte d’ici n’est le vôtre : demandez à qui administre Travée d’en ouvrir un à votre adresse de "
        "courriel."
    ),
}


def amiss(settings: Settings) -> str:
    """Why nobody can sign in this way although it was asked for; "" when it works, or nobody asked."""
    if not settings.oidc_issuer and not settings.oidc_client_id:
        return ""
    if find_spec("authlib") is None:
        return _("TRAVEE_OIDC_ISSUER est donné, mais l’extra « oidc » n’est pas installé : pip install 'travee[oidc]'.")
    if not settings.oidc_issuer or not settings.oidc_client_id:
        return _("TRAVEE_OIDC_ISSUER et TRAVEE_OIDC_CLIENT_ID vont ensemble : il en manque un.")
    parts = urlsplit(settings.oidc_issuer)
    if not parts.hostname or parts.scheme not in ("https", "http"):
        return _("TRAVEE_OIDC_ISSUER n’est pas une adresse : https://…")
    if parts.scheme == "http" and not settings.allow_private_addresses:
        return _("TRAVEE_OIDC_ISSUER doit commencer par https:// : sans cela, la connexion se lit en chemin.")
    return ""


def label() -> str:
    """What the button calls the centre's accounts; "" when there is none to show."""
    settings = ctx.settings()
    if not settings.oidc_issuer or amiss(settings):
        return ""
    return settings.oidc_label or _("le compte de votre organisme")


@blueprint.get("/connexion/organisme")
def ask_provider() -> ResponseReturnValue:
    """On the way to the provider; a link, since browsers let no form lead elsewhere from here (CSP form-action)."""
    if not label():
        abort(404)
    from catalogue.web import openid_client

    try:
        address, exchange = openid_client.start(_provider(), _return_address())
    except openid_client.Refused as error:
        return _failed(error.code, str(error))
    session[KEPT] = {**asdict(exchange), "suite": asked_for(), "at": int(time())}
    return redirect(address)


@blueprint.get("/connexion/organisme/retour")
def back_from_provider() -> ResponseReturnValue:
    if not label():
        abort(404)
    from catalogue.web import openid_client

    kept = session.pop(KEPT, None)  # good once
    if not kept or not 0 <= time() - kept["at"] <= WITHIN:
        return _failed("late")
    if "error" in request.args or not request.args.get("code"):
        denied = request.args.get("error") == "access_denied"
        return _failed("denied" if denied else "wrong", request.args.get("error", "")[:80])
    exchange = openid_client.Exchange(kept["state"], kept["nonce"], kept["verifier"])
    try:
        who = openid_client.finish(
            _provider(),
            exchange,
            state=request.args.get("state", ""),
            code=request.args["code"],
            return_to=_return_address(),
        )
    except openid_client.Refused as error:
        return _failed(error.code, str(error))
    with ctx.get_writer() as writing:
        user = signing_in.enter_by_provider(
            writing, who.subject, who.email, verified=who.verified, remote=request.remote_addr or ""
        )
    return _failed("unknown") if user is None else enter(user, kept["suite"])


def _provider() -> Provider:
    from catalogue.web.openid_client import Provider

    settings = ctx.settings()
    return Provider(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)


def _return_address() -> str:
    return absolute(url_for("auth.back_from_provider"))


def _failed(code: str, why: str = "") -> ResponseReturnValue:
    if why:
        log.warning("OpenID Connect: %s", why)
    return sign_in_page(_(SENTENCES[code]), status=403 if code == "unknown" else 502 if code == "down" else 422)
