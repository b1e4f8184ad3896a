"""Whose list of documents a request is about: an account's, or that of an anonymous cookie."""

from __future__ import annotations

from flask import Response, current_app, g, request
from flask_login import current_user

from catalogue import selections
from catalogue.models import Selection
from catalogue.selections import Kept
from catalogue.web import ctx

COOKIE = "selection"
LONGEST_TOKEN = 64


def owner() -> str:
    """Nothing for a visitor who has chosen nothing."""
    if current_user.is_authenticated:
        return selections.owner_of_account(current_user.login)
    token = request.cookies.get(COOKIE, "")
    return selections.owner_of_token(token) if 0 < len(token) <= LONGEST_TOKEN else ""


def chosen() -> set[str]:
    """The addresses in their list, asked once a page."""
    if "chosen" not in g:
        whose = owner()
        g.chosen = selections.chosen(ctx.get_session(), whose) if whose else set()
    found: set[str] = g.chosen
    return found


def kept_documents() -> tuple[Selection | None, list[Kept]]:
    session, whose = ctx.get_session(), owner()
    found = selections.find(session, whose) if whose else None
    return found, selections.documents(session, found) if found else []


def remember(response: Response, token: str) -> Response:
    """Keep the cookie for as long as the list."""
    if token:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        kept = selections.KEPT_DAYS * 24 * 3600
        response.set_cookie(COOKIE, token, max_age=kept, httponly=True, samesite="Lax", secure=secure)
    return response


def present_token() -> str:
    """That of a visitor who has one; "" for an account."""
    return "" if current_user.is_authenticated else request.cookies.get(COOKIE, "")[:LONGEST_TOKEN]


def adopt() -> None:
    """Who has just signed in finds what they had chosen before in their own list."""
    token = request.cookies.get(COOKIE, "")
    if 0 < len(token) <= LONGEST_TOKEN and current_user.is_authenticated:
        with ctx.get_writer() as session:
            mine = selections.owner_of_account(current_user.login)
            selections.adopt(session, selections.owner_of_token(token), mine)
