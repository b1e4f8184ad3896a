"""The team's accounts: opened, invited, closed, listed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from catalogue import users
from catalogue.commands import as_json, fail, finish, running
from catalogue.entry_links import LASTS
from catalogue.i18n import _, format_number
from catalogue.models import User
from catalogue.models.work import ROLES

BY = "travee"  # who signs in the journal what was done here


@click.group()
def user() -> None:
    """Les comptes de l’équipe."""


password_option = click.option("--password-stdin", is_flag=True, help="Lit le mot de passe sur l’entrée standard.")


def _password(from_stdin: bool, as_json: bool) -> str:
    """Typed unseen, twice; where there is no terminal to type it at, it has to come by the standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail(as_json, _("Aucun terminal où taper le mot de passe : donnez-le par l’entrée standard, --password-stdin."))
    return str(click.prompt(_("Mot de passe"), hide_input=True, confirmation_prompt=True))


def _written(as_json: bool, act: Callable[[Session], dict[str, Any]]) -> dict[str, Any]:
    """Do it in one transaction; what cannot be is a sentence."""
    with running(as_json) as travee:
        try:
            with travee.db.write() as session:
                return act(session)
        except users.Invalid as error:
            fail(as_json, error.sentence)


def _account(session: Session, login: str, as_json: bool) -> User:
    found = users.find(session, login)
    if found is None:
        fail(as_json, _("Aucun compte ne s’appelle « {login} ».").format(login=login))
    return found


@user.command("add")
@click.argument("login")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--name", default="", help="Comme ses collègues le connaissent.")
@click.option("--email", default="", help="Pour les liens de connexion et le compte de l’organisme.")
@password_option
@as_json
def user_add(login: str, role: str, name: str, email: str, password_stdin: bool, as_json: bool) -> None:
    """Ouvre un compte."""
    password = _password(password_stdin, as_json)

    def act(session: Session) -> dict[str, Any]:
        made = users.add(session, login, password, role, name=name, email=email, by=BY)
        return {"login": made.login, "role": made.role}

    document = _written(as_json, act)
    finish(as_json, document, _("Le compte « {login} » est ouvert.").format(login=document["login"]))


@user.command("invite")
@click.argument("login")
@click.option("--role", type=click.Choice(ROLES), help="Ouvre le compte s’il n’existe pas encore.")
@click.option("--name", default="")
@click.option("--email", default="")
@as_json
def user_invite(login: str, role: str | None, name: str, email: str, as_json: bool) -> None:
    """Écrit un lien, valable sept jours, par lequel la personne choisit elle-même son mot de passe."""

    def act(session: Session) -> dict[str, Any]:
        found = users.find(session, login) if role else _account(session, login, as_json)
        if found is None:
            found = users.add(session, login, None, role or "", name=name, email=email, by=BY)
        if found.disabled_at is not None:
            fail(as_json, _("Le compte « {login} » est fermé : « travee user enable » le rouvre.").format(login=login))
        return {"login": found.login, "path": f"/invitation/{users.invite(session, found, by=BY)}"}

    document = _written(as_json, act)
    with running(as_json) as travee:
        document["link"] = travee.settings.base_url.rstrip("/") + document.pop("path")
    words = _("À donner à {login}, et à personne d’autre ; il sert une fois, pendant {n} jours :")
    told = words.format(login=document["login"], n=format_number(LASTS["invite"].days))
    finish(as_json, document, told, document["link"])


@user.command("passwd")
@click.argument("login")
@password_option
@as_json
def user_passwd(login: str, password_stdin: bool, as_json: bool) -> None:
    """Change un mot de passe ; les sessions ouvertes de ce compte se ferment."""
    password = _password(password_stdin, as_json)

    def act(session: Session) -> dict[str, Any]:
        users.set_password(session, _account(session, login, as_json), password, by=BY)
        return {"login": login}

    document = _written(as_json, act)
    finish(as_json, document, _("Le mot de passe de « {login} » est changé.").format(login=login))


@user.command("disable")
@click.argument("login")
@as_json
def user_disable(login: str, as_json: bool) -> None:
    """Ferme un compte ; ce qu’il a fait reste signé de son nom."""

    def act(session: Session) -> dict[str, Any]:
        users.disable(session, _account(session, login, as_json), by=BY)
        return {"login": login}

    finish(as_json, _written(as_json, act), _("Le compte « {login} » est fermé.").format(login=login))


@user.command("enable")
@click.argument("login")
@as_json
def user_enable(login: str, as_json: bool) -> None:
    """Rouvre un compte, avec le rôle et le mot de passe qu’il avait."""

    def act(session: Session) -> dict[str, Any]:
        users.enable(session, _account(session, login, as_json), by=BY)
        return {"login": login}

    finish(as_json, _written(as_json, act), _("Le compte « {login} » est rouvert.").format(login=login))


@user.command("list")
@as_json
def user_list(as_json: bool) -> None:
    """Les comptes et leurs rôles."""
    with running(as_json) as travee, travee.db.read() as session:
        rows = [
            {
                "login": u.login,
                "role": u.role,
                "name": u.name,
                "email": u.email,
                "disabled": u.disabled_at is not None,
            }
            for u in users.list_users(session)
        ]
    lines = [f"{r['login']:<20} {r['role']}{'  (' + _('fermé') + ')' if r['disabled'] else ''}" for r in rows]
    finish(as_json, {"users": rows}, *(lines or [_("Aucun compte.")]))


COMMANDS: list[click.Command] = [user]
