"""Alive, ready: what a supervisor asks."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from catalogue.web import ctx

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """The database and the index answer, each said by name."""
    state = {
        "database": _answers(lambda: ctx.travee().db.ready()),
        "index": _answers(lambda: bool(ctx.get_index().snapshot())),
    }
    fine = all(state.values())
    return jsonify(status="ok" if fine else "unavailable", **state), 200 if fine else 503


def _answers(ask: object) -> bool:
    try:
        return bool(ask()) if callable(ask) else False
    except (OSError, SQLAlchemyError):
        return False


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
