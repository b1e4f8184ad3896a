"""What people do on both sides, night after night: the same records are worked on here and there.

`here` is what somebody here does the morning after a night (`desk`), `do` what the partner's librarians did before it.
Other harvesters have no such work; they are played the same nights.
"""

from __future__ import annotations

from benchmarks.nights.moves import EDIT, QUIET, during, later, together
from benchmarks.nights.world import NAMESAKE, NEIGHBOUR, Night, Scenario, World, described, said


def edit_again(world: World) -> None:
    world.edit(4, "Ouvrage 4, revu encore")


def take_back(world: World) -> None:
    """The record says again what it said on the first day."""
    world.partner.revise(4, described(4, "Ouvrage 4"), world.clock.theirs())


def restore_edited(world: World) -> None:
    world.restore(3)
    world.edit(3, "Ouvrage 3, revenu")


def give_number_away(world: World) -> None:
    """The number is that of another document from now on."""
    world.partner.revise(4, described(4, "Inventaire des moulins de la vallée"), world.clock.theirs())


def write_in(world: World) -> None:
    """Between two pages, somebody here writes in a record that has come, and in one that is about to."""
    world.at_home(lambda ours: ours.desk.edit(2, "300", "Note d’ici 2, pendant la moisson"))
    world.at_home(lambda ours: ours.desk.edit(6, "200", "Ouvrage 6, titre d’ici"))


LIVES: tuple[Scenario, ...] = (
    later(
        "written here, changed there",
        "Night after night a record is edited on both sides.",
        Night(do=EDIT.do, here=lambda ours: ours.desk.edit(4, "200", "Ouvrage 4, autre titre d’ici")),
        Night(do=edit_again, here=lambda ours: ours.desk.edit(4, "300", "Note d’ici 4")),
        QUIET,
    ),
    later(
        "written during the harvest",
        "Somebody here writes between two pages, in what has come and in what is about to.",
        Night(do=during(2, write_in), full=True),
        QUIET,
    ),
    later(
        "accepted, changed again",
        "All that waits is accepted; the partner changes the same record again.",
        Night(do=EDIT.do, here=lambda ours: ours.desk.accept_all()),
        Night(do=edit_again),
        QUIET,
    ),
    later(
        "refused, changed again",
        "What was refused is changed once more: that is asked; a third night does not ask again.",
        QUIET,
        Night(do=lambda world: world.put(8, "330", said("330", "a", "Résumé 8, troisième état."))),
        QUIET,
    ),
    later(
        "taken back there",
        "The partner changes a record, and takes it back: the question goes away by itself.",
        EDIT,
        Night(do=take_back),
        QUIET,
    ),
    later(
        "acceptance undone",
        "All is accepted, and the lot undone the next day: the questions are there again.",
        Night(do=EDIT.do, here=lambda ours: ours.desk.accept_all()),
        Night(here=lambda ours: ours.desk.undo_last()),
        QUIET,
    ),
    later(
        "rule while questions wait",
        "A rule is set on what already waits; more of the same comes.",
        Night(
            do=EDIT.do,
            here=lambda ours: ours.desk.set_rules(
                {"notes": {"adds": "accept"}, "subjects": {"adds": "accept"}}, "606", "610"
            ),
        ),
        Night(
            do=lambda world: world.put(
                11, "606", *(said("606", "a", f"Sujet 11{more}") for more in ("", " de plus", " encore"))
            )
        ),
        QUIET,
    ),
    later(
        "rule struck out",
        "A rule that let notes in is taken away: the next note waits.",
        Night(here=lambda ours: ours.desk.set_rules({})),
        EDIT,
        QUIET,
    ),
    later(
        "merged here, deleted, restored",
        "A record whose notice was merged here is deleted there, noted, then restored with another title.",
        Night(do=lambda world: world.delete(3)),
        QUIET,
        QUIET,
        Night(do=restore_edited),
        QUIET,
    ),
    later(
        "deleted, noted, restored",
        "A deletion is taken note of here; the record comes back as it was.",
        Night(do=lambda world: world.delete(7)),
        QUIET,
        QUIET,
        Night(do=lambda world: world.restore(7)),
        QUIET,
    ),
    later(
        "merge taken apart",
        "While a question waits on a merged notice, the merge is undone; the record changes again.",
        Night(here=lambda ours: ours.desk.unmerge_all()),
        Night(do=lambda world: world.edit(3, "Ouvrage 3, revu")),
        QUIET,
    ),
    Scenario(
        "two of theirs, one here",
        "Two records of the partner are merged here, both change there; then the merge is undone.",
        (
            Night(here=lambda ours: ours.desk.merge(4, 12)),
            EDIT,
            Night(do=edit_again, here=lambda ours: ours.desk.unmerge_all()),
            QUIET,
        ),
    ),
    Scenario(
        "withdrawn here",
        "A notice that was withdrawn here changes there: it stays withdrawn, and nobody is asked.",
        (Night(here=lambda ours: ours.desk.withdraw_notice(4)), EDIT, Night(do=edit_again, full=True)),
    ),
    later(
        "candidates",
        "New records wait as candidates, change there before they are let in, and after.",
        Night(do=together(lambda world: world.add(40), EDIT.do)),
        Night(do=lambda world: world.edit(40, "Ouvrage 40, revu"), here=lambda ours: ours.desk.publish()),
        Night(do=lambda world: world.edit(40, "Ouvrage 40, revu encore")),
        source={"new_status": "candidate"},
    ),
    later(
        "number given to another",
        "Under a known identifier there is another document from one night on: nothing of it is let in by a rule.",
        Night(do=give_number_away),
        QUIET,
    ),
    later(
        "older run replayed",
        "Three nights, then the stored pages of the first are read again: what is newer stays.",
        EDIT,
        Night(do=together(edit_again, lambda world: world.delete(7))),
        QUIET,
        Night(here=lambda ours: ours.replay(0)),
    ),
    later(
        "every run replayed",
        "The stored pages of all nights are read again, the last ones first.",
        EDIT,
        Night(do=edit_again),
        Night(here=lambda ours: ours.replay(*range(3, -1, -1))),
    ),
    later(
        "format grows poorer",
        "The source is asked for Dublin Core from the second night on: nothing is taken away for that.",
        EDIT,
        Night(here=lambda ours: ours.desk.set_source(prefix="oai_dc")),
        Night(full=True),
        poor=True,
    ),
    Scenario(
        "one name, two bases",
        "A second source with the same name in its identifiers holds other documents.",
        (QUIET, EDIT, QUIET),
        second=NAMESAKE,
    ),
    Scenario(
        "two bases, same documents",
        "A second source describes our documents too, in records of its own, and changes one.",
        (QUIET, EDIT, Night(do=lambda world: world.edit_neighbour(4, "Ouvrage 4, selon le voisin")), QUIET),
        second=NEIGHBOUR,
    ),
    later(
        "base made anew",
        "The partner's base is made anew: the same records under other identifiers.",
        Night(do=World.renumber),
        QUIET,
        QUIET,
    ),
)
