"""Settings, each with a default, overridden by TRAVEE_* variables or a `.env` file (INTERFACES.md)."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from secrets import token_urlsafe
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TRAVEE_", env_file=".env", extra="ignore")

    data_dir: Path = Path("var")
    database_url: str = ""
    search_url: str = ""
    secret_key: str = ""
    base_url: str = ""
    language: str = "fr"
    timezone: str = "Europe/Paris"
    mail_url: str = ""
    admin_email: str = ""
    oidc_issuer: str = ""  # the centre's own accounts (OpenID Connect), with the extra `oidc`
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_label: str = ""  # what the button calls them
    oai_domain: str = ""
    allow_private_addresses: bool = False
    centre_name: str = "Espace doc"
    centre_address: str = ""
    opening_rule: str = ""
    opening_rule_en: str = ""  # the same for the English pages
    default_scope: Literal["local", "network"] = "local"
    pmb_source: str = ""  # the source whose numbers are in the addresses of the PMB that this replaces
    accessibility: Literal["non", "partielle", "totale"] = "non"
    secure_cookies: bool | None = None
    request_retention_months: int = 12
    archive_url: str = "https://archive.org/wayback/available"  # who is asked for copies of dead links
    upload_limit_mb: int = 100  # of a file given at the desk
    trusted_proxies: int = 0
    testing: bool = False

    @cached_property
    def url(self) -> str:
        """The database's address: SQLite in the data directory unless told otherwise."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{(self.data_dir / 'travee.db').absolute()}"

    @cached_property
    def index_dir(self) -> Path:
        return self.data_dir / "index"

    @cached_property
    def files_dir(self) -> Path:
        """Digital documents that are ours, and their texts (`catalogue.digital`)."""
        return self.data_dir / "files"

    @cached_property
    def pages_dir(self) -> Path:
        """Raw harvested pages, as received, gzip."""
        return self.data_dir / "pages"

    @cached_property
    def imports_dir(self) -> Path:
        """Files given at the desk, while their import is prepared and done."""
        return self.data_dir / "imports"

    @cached_property
    def key(self) -> str:
        """The secret key: from the setting, else made once and kept beside the data, readable by us only."""
        if self.secret_key:
            return self.secret_key
        path = self.data_dir / "secret_key"
        if not path.exists() or not path.read_text("utf-8").strip():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # left empty by a process that died
            beside = self.data_dir / f"secret_key.{token_urlsafe(6)}"
            beside.touch(mode=0o600)
            beside.write_text(token_urlsafe(48), "utf-8")
            with suppress(FileExistsError):  # of two processes that start together, the first wins
                os.link(beside, path)
            beside.unlink()
        return path.read_text("utf-8").strip()
