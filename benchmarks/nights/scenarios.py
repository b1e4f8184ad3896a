"""What can go wrong between a partner and us, as a table: one scenario a row, with its nights.

Every fault of PMB.md section 2.3 and what was seen on a running one (section 5), and those of the road; then what
people do on both sides (`benchmarks.nights.lives`). A scenario's faults last for the night that names them; where only
one night is named, they come on the first. `asked.toml` says which demand each scenario answers.
"""

from __future__ import annotations

from benchmarks.nights.lives import LIVES
from benchmarks.nights.moves import (
    BASKETS,
    CHANGES,
    EDIT,
    HALVES,
    HOUR,
    QUIET,
    clock_off,
    during,
    edit_late,
    edit_without_date,
    goes_down,
    later,
    one,
    put_right,
    together,
)
from benchmarks.nights.world import DAY, NOON, SAME, Night, Scenario
from demo.partner_standard import Standard

SCENARIOS: tuple[Scenario, ...] = (
    # --- in good health
    Scenario("good health", "A PMB as it is: no counters, no last token, local time labelled Z.", (QUIET,)),
    later("nothing new", "Twice the same base.", QUIET, still=True),
    later("changes", "One record edited, one added, one deleted; two more nights.", CHANGES, QUIET, QUIET),
    later(
        "edited within the hour",
        "A record edited just after the first harvest; local time is labelled Z.",
        Night(do=edit_late),
    ),
    Scenario(
        "a file came first",
        "The base was imported from PMB's export before.",
        (QUIET, CHANGES, QUIET, QUIET),
        import_first=True,
    ),
    one("PMB's namespace", "The option « OAI-PMH validity ».", namespace=True),
    one("new 009", "009 with the date of the last change, as from 8.1.1.1.", with_009_dates=True),
    later(
        "copies listed",
        "Records are listed because a copy changed; their headers do not say so.",
        Night({"item_dates": (2, 10)}, lambda world: world.shelve_in_silence(10, "P 10 ter")),
    ),
    one("leftovers", "HTML, Windows-1252, 0000-00-00, codes u and uu, an issue's title of one space.", leftovers=True),
    # --- a standard server
    Scenario(
        "standard, seconds",
        "A clean server giving MARCXML: one edited, one added, one deleted.",
        (QUIET, CHANGES, QUIET, QUIET),
        kind=Standard,
        source={"prefix": "auto"},
    ),
    Scenario(
        "standard, days",
        "The same with a granularity of days, edited on the day of the harvest.",
        (QUIET, Night(do=edit_late), QUIET),
        kind=Standard,
        partner={"by_day": True},
        source={"prefix": "marcxml"},
    ),
    Scenario(
        "standard, Dublin Core",
        "The same records in oai_dc.",
        (QUIET, EDIT),
        kind=Standard,
        source={"prefix": "oai_dc"},
    ),
    # --- busy or ill
    one("503, seconds", "Come back in a second, twice.", refuse_first_n_with_503=2, retry_after=1),
    one(
        "503, HTTP date",
        "The same, said as a date.",
        refuse_first_n_with_503=1,
        retry_after=1,
        retry_after_as_date=True,
    ),
    one("503 for ever", "Busy all night.", refuse_first_n_with_503=99, retry_after=1),
    one("503 for hours", "Come back in two hours.", refuse_first_n_with_503=1, retry_after=7200),
    one("500, then recovery", "The list fails twice.", fail_first_n_with_500=2),
    one("500, empty", "Every list is 500 and empty: a PMB on a PHP too recent.", http_500_empty=True),
    one("web page", "A maintenance page with status 200 instead of page 2.", html_with_200_on_page=2),
    one("web page once", "The same, the first time only.", html_with_200_on_page=2, times=1),
    one("empty page", "Status 200 and no byte instead of page 2.", empty_200_on_page=2),
    one("PHP warning", "Text before the XML.", php_warning_before_xml=True),
    one("server down", "Nobody answers.", down=True),
    Scenario(
        "down on the way",
        "The server stops between two pages, and is back the next night.",
        (Night(do=during(2, goes_down)), QUIET),
    ),
    Scenario(
        "unknown source",
        "The address names a source that does not exist: 200 and no byte.",
        (QUIET,),
        query="source_id=9",
    ),
    Scenario("source not set up", "A source that was never filled in.", (QUIET,), query="source_id=4"),
    # --- pages that do not come whole
    one("truncated page", "Page 2 stops in the middle.", cut_page=2),
    one("truncated last page", "Page 3, the last, stops in the middle.", cut_page=3),
    one("truncated once", "Page 2 stops in the middle, the first time.", cut_page=2, times=1),
    one("reset in mid-body", "The connection breaks in the middle of page 2.", reset_page=2),
    one("reset once", "The same, the first time.", reset_page=2, times=1),
    one("not gzip", "Page 2 says that it is compressed, and is not.", bad_gzip_page=2),
    Scenario(
        "slow drip",
        "Page 2 comes byte by byte.",
        (Night({"drip_page": 2, "drip_seconds": 1.0}),),
        page_seconds=0.4,
    ),
    one("wrong charset", "Page 2 is Latin-1 under a declaration that says UTF-8.", latin1_page=2),
    one("forbidden characters", "Control characters in page 2.", controls_page=2),
    one("20 MB record", "One record has a note of 20 MB.", huge=(7,)),
    # --- attacks
    one("entity bomb", "Entities that would grow to a hundred million signs.", bomb_page=2),
    one("external entity", "An entity that is a file of ours.", outside_page=2),
    one("redirect inside", "The server sends us to a machine of our own network.", redirect_to="elsewhere"),
    # --- tokens and counters
    one("token loop", "The same token for ever.", repeat_token=True),
    one("turning tokens", "New tokens for ever, and always the same page.", turning_tokens=True),
    one("expired token", "The token of page 2 has always expired.", expire_token_on_page=2),
    one("expired once", "It has expired the first time.", expire_token_on_page=2, times=1),
    one("wrong counters", "Counters that contradict themselves.", wrong_total=True),
    one("more announced", "15 records announced on every page, 12 given.", constant_total=15),
    # --- what moves during the walk
    one("shifted page", "A page slips once: one record twice, another never.", shifted_page=2, times=1),
    one("every list shifted", "Pages slip in every list, always.", shifted_page=2),
    Scenario(
        "shifted, no second list",
        "The same where identifiers cannot be listed.",
        (Night({"shifted_page": 2, "times": 1, "no_identifiers": True}),),
    ),
    Scenario(
        "deleted on the way",
        "A record of page 1 is deleted before page 2: everything moves up.",
        (Night(do=during(2, lambda world: world.delete(2))), QUIET, QUIET),
    ),
    Scenario(
        "changed on the way",
        "A record of page 1 is edited before page 2.",
        (Night(do=during(2, lambda world: world.edit(2, "Ouvrage 2, revu"))), QUIET),
    ),
    Scenario(
        "added on the way",
        "A record is added before the last page.",
        (Night(do=during(3, lambda world: world.add(13))), QUIET),
    ),
    # --- clocks and dates
    later(
        "from ignored",
        "The second night gives everything again.",
        Night({"from_ignored": True}, lambda world: world.edit(4, "Ouvrage 4, revu")),
    ),
    Scenario(
        "clock behind", "The partner's clock is five hours late.", (Night(do=clock_off(-5 * HOUR)), Night(do=edit_late))
    ),
    Scenario(
        "clock ahead",
        "It is five hours early, and put right on the second day.",
        (Night(do=clock_off(5 * HOUR)), Night(do=put_right)),
    ),
    later(
        "backdated change",
        "A record is edited, and its date is that of last year.",
        Night(do=lambda world: world.edit(4, "Ouvrage 4, revu", NOON - 400 * DAY)),
    ),
    later(
        "backdated addition",
        "A record appears with a date of last year.",
        Night(do=lambda world: world.add(40, NOON - 400 * DAY)),
    ),
    Scenario(
        "no date moves",
        "Datestamps are those of the creation; a week goes by.",
        (QUIET, Night({"no_date_change": True}, edit_without_date, after=6 * DAY), QUIET),
    ),
    later(
        "stale copy",
        "New date, old content, until the cache of 24 hours is over.",
        Night({"stale": True}, lambda world: world.edit(4, "Ouvrage 4, revu")),
        QUIET,
    ),
    # --- on their way out
    Scenario(
        "ghosts",
        "Deleted, the set not yet rebuilt: neither date nor content; then announced.",
        (Night({"ghosts": (4,)}), Night(do=lambda world: world.delete(4)), QUIET, QUIET),
    ),
    later(
        "ghosts with content",
        "The same for a record we know, with its old content.",
        Night({"ghosts": (4,), "ghosts_keep_content": True}),
        Night(do=lambda world: world.delete(4)),
        QUIET,
        QUIET,
    ),
    Scenario(
        "ghost that comes back", "Without date for a night, alive the next one.", (Night({"ghosts": (4,)}), QUIET)
    ),
    later("deletion announced", "Announced, confirmed the next night.", Night(do=lambda world: world.delete(7)), QUIET),
    later(
        "deletion not announced",
        "A PMB that keeps no deletions: absent from two lists.",
        Night(do=lambda world: world.delete(7)),
        QUIET,
        partner={"deletions": "no"},
    ),
    later(
        "living, announced deleted",
        "Three nights long, a record that has only left a basket is announced deleted; GetRecord gives it.",
        *[Night({"false_deletions": (7,), "from_ignored": True})] * 3,
    ),
    Scenario(
        "deletions of the last set",
        "With several sets only the last one's deletions are told.",
        (
            QUIET,
            Night({"deletions_of_last_set_only": True}, lambda world: world.delete(7)),
            Night({"deletions_of_last_set_only": True}),
            QUIET,
        ),
        partner={"sets": BASKETS},
    ),
    later(
        "mass deletion",
        "Half of a base of fifty is announced deleted.",
        Night(do=lambda world: world.delete(*range(1, 26))),
        QUIET,
        size=50,
    ),
    later(
        "mass deletion, believed",
        "A person says that it is so.",
        Night(do=lambda world: world.delete(*range(1, 26))),
        Night(believe=True),
        size=50,
    ),
    later("empty list", "One night the list is empty.", Night({"empty_list": True}, full=True), size=30),
    later(
        "empty list, then full",
        "And it is back the next night.",
        Night({"empty_list": True}, full=True),
        QUIET,
        size=30,
    ),
    # --- records that are not what they should be
    one("same record twice", "An identifier listed twice, with the same content.", twice=(3,)),
    one("two contents", "An identifier listed twice, with two contents of the same date.", two_contents=(3,)),
    Scenario("one base, two sources", "The same base is declared under two names.", (QUIET, EDIT), second=SAME),
    one("record without identifier", "It cannot be followed.", no_identifier=(3,)),
    Scenario("record without a title", "It is refused by name.", (QUIET, QUIET), untitled=(3,)),
    one("not in the list", "A record among the identifiers that no list of records gives.", lost=(8,)),
    later(
        "leaves every list",
        "A known record is in no list any more, and GetRecord still gives it.",
        Night({"unlisted": (8,)}),
        Night({"unlisted": (8,)}),
        Night({"unlisted": (8,)}),
    ),
    one("no list of identifiers", "ListIdentifiers is 500, all else is well.", no_identifiers=True),
    # --- formats and sets
    Scenario(
        "PMB in Dublin Core",
        "Asked for oai_dc, one record comes in PMB's XML.",
        (Night({"pmb_in_dublin_core": (4,)}),),
        source={"prefix": "oai_dc"},
    ),
    Scenario(
        "oai_dc is 500", "The format fails, and only that.", (Night({"oai_dc_500": True}),), source={"prefix": "oai_dc"}
    ),
    Scenario(
        "empty metadata",
        "A conversion that does not exist is accepted, and gives nothing.",
        (QUIET,),
        source={"prefix": "convert_toto"},
    ),
    Scenario("unknown format", "A format that the server does not give.", (QUIET,), source={"prefix": "marc21"}),
    Scenario("unknown set", "A set that does not exist.", (QUIET,), source={"set_spec": "set_9"}),
    Scenario(
        "two sets",
        "Two sets of one partner, with a record in both.",
        (QUIET, EDIT, QUIET),
        partner={"sets": HALVES},
        source={"set_spec": "set_1 set_2"},
    ),
    Scenario(
        "one set of two fails",
        "The second does not exist: the first comes whole.",
        (QUIET, EDIT),
        partner={"sets": HALVES},
        source={"set_spec": "set_1 set_8"},
    ),
    # --- options, and what this PMB does besides
    later(
        "options taken off",
        "Copies, links and 214 are no longer sent: nothing is taken away for that.",
        Night({"items": False, "links": False, "with_214": False}, full=True),
        QUIET,
    ),
    one("unknown type", "A type of document that this PMB alone knows.", unknown_type=True),
    one("strange set", "Records name a set that the server does not list.", strange_set=True),
    one("redirect in circles", "The server sends us back to itself.", redirect_to="in circles"),
    later(
        "record too fresh",
        "A new record among the identifiers that neither the list nor GetRecord gives, until the set is rebuilt.",
        Night({"lost": (40,), "denied": (40,)}, lambda world: world.add(40)),
        QUIET,
    ),
    later(
        "deletion forgotten",
        "A PMB that announces deletions for two days, and nobody harvested for four.",
        Night(after=4 * DAY),
        Night(do=together(lambda world: world.delete(7), lambda world: world.wait(4 * DAY))),
        QUIET,
        QUIET,
        partner={"deletions": "transient"},
    ),
    later(
        "gone and back",
        "Announced deleted one night, there again the next one.",
        Night(do=lambda world: world.delete(6)),
        Night(do=lambda world: world.restore(6)),
        QUIET,
    ),
    later(
        "twice said to be gone",
        "A living record that no list shows and GetRecord denies for three nights, then shows again.",
        *[Night({"unlisted": (6,), "denied": (6,)}, lambda world: world.doubt(6))] * 3,
        Night(full=True),
    ),
    later(
        "one set ill for a night",
        "The second set fails while a record of it changes, and is back the next night.",
        Night({"failing_set": 2}, lambda world: world.edit(9, "Ouvrage 9, revu")),
        QUIET,
        partner={"sets": HALVES},
        source={"set_spec": "set_1 set_2"},
    ),
    *LIVES,
)
