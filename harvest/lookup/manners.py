"""How we present ourselves to a source: a name, a version, an address to write to, should we be a nuisance."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TypedDict

from catalogue.config import Settings


class Manners(TypedDict):
    """What `ask` is told beside the question."""

    agent: str
    mail: str
    allow_private: bool


def manners(settings: Settings) -> Manners:
    """`ask(question, sources, **manners(settings))`"""
    try:
        number = version("travee")
    except PackageNotFoundError:  # run from a clone that is not installed
        number = "dev"
    contact = "; ".join(part for part in ("library catalogue", settings.base_url, settings.admin_email) if part)
    agent = f"Travee/{number} ({contact})".encode("ascii", "ignore").decode()
    return Manners(agent=agent, mail=settings.admin_email, allow_private=settings.allow_private_addresses)
