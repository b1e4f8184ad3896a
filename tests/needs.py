"""What some tests need from the system, and what happens where it is not there.

A test asks for it by name and gets the program's path:

    browser = need("chromium")

Where the program is missing the test is skipped, and the names are gathered at the end of the run.
Under `python3 dev.py test --all` (TRAVEE_TEST_ALL=1) a skip, whatever its reason, is a failure: a robot
must not be content with less. A test parametrised over real files that are not there has nothing to run, which is
no skip: it is left out. A test marked `long` looks once more, in another light, at what another test looks at
already: it runs with `--all` only. A pytest plugin: `pytest_plugins = ["tests.needs"]` in conftest.py.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Generator

import pytest

import dev

REASON = re.compile(r"needs: ([\w-]+)")


def need(name: str) -> str:
    """The path of what Debian calls `name` (a key of `dev.SYSTEM`), else the test is skipped."""
    path = dev.SYSTEM[name].find()
    if path is None:
        pytest.skip(f"needs: {name}")
    return path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if any(_is_empty_set(mark) for mark in item.iter_markers("skip"))]
    if not _all_must_run():
        left_out += [item for item in items if item.get_closest_marker("long")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _all_must_run() -> bool:
    return os.environ.get("TRAVEE_TEST_ALL") == "1"


def _is_empty_set(mark: pytest.Mark) -> bool:
    """pytest's own mark on a test whose list of parameters is empty."""
    return str(mark.kwargs.get("reason", "")).startswith("got empty parameter set")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not hasattr(report, "wasxfail"):  # an expected failure is told like a skip, but is none
        _fail_where_all_must_run(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_where_all_must_run(report)
    return report


def _fail_where_all_must_run(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and _all_must_run():
        report.outcome = "failed"
        report.longrepr = f"Skipped, where --all wants every test to run: {_reason(report)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [_reason(report) for report in terminalreporter.stats.get("skipped", [])]
    missing = Counter(found[1] for reason in reasons if (found := REASON.search(reason)))
    if missing:
        terminalreporter.section("Missing from the system")
        for name, count in sorted(missing.items()):
            terminalreporter.line(f"{name}: {count} skipped")
        terminalreporter.line("`python3 dev.py doctor` names the line that installs them.")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
