"""What a scenario is made of: nights, and what happens in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from benchmarks.nights.world import DAY, Night, Scenario, World

HOUR = timedelta(hours=1)
QUIET = Night()


def one(name: str, says: str, **faults: Any) -> Scenario:
    """A fault on the first night, and no second one."""
    return Scenario(name, says, (Night(faults),))


def later(name: str, says: str, *nights: Night, **options: Any) -> Scenario:
    """A first night in good health, then these."""
    return Scenario(name, says, (QUIET, *nights), **options)


def during(page: int, happen: Callable[[World], None]) -> Callable[[World], None]:
    """Something happens at the partner's just before this page is made, once."""

    def prepare(world: World) -> None:
        def before(number: int) -> None:
            if number == page:
                world.partner.before_page = lambda _page: None
                happen(world)

        world.partner.before_page = before

    return prepare


def together(*acts: Callable[[World], object]) -> Callable[[World], None]:
    """One after the other, on the same day."""

    def do(world: World) -> None:
        for act in acts:
            act(world)

    return do


def goes_down(world: World) -> None:
    world.running.partner.faults.down = True


def clock_off(by: timedelta) -> Callable[[World], None]:
    def move(world: World) -> None:
        world.clock.offset = by

    return move


def edit_late(world: World) -> None:
    """Edited an hour after the harvest of the night before."""
    world.edit(4, "Ouvrage 4, revu", world.clock.theirs() - DAY + HOUR)


def change_much(world: World) -> None:
    world.edit(4, "Ouvrage 4, revu")
    world.add(40)
    world.delete(7)


def edit_without_date(world: World) -> None:
    """The date of the record stays what it was."""
    world.running.partner.faults.no_date_change = True
    world.edit(4, "Ouvrage 4, revu")


def put_right(world: World) -> None:
    """The clock is right again; somebody edits a record."""
    world.clock.offset = timedelta()
    edit_late(world)


EDIT = Night(do=lambda world: world.edit(4, "Ouvrage 4, revu"))
CHANGES = Night(do=change_much)
BASKETS = {1: ("Toute la base", None), 2: ("Panier", frozenset({3, 4, 5}))}
HALVES = {1: ("Livres", frozenset(range(1, 7))), 2: ("Revues", frozenset(range(6, 13)))}
