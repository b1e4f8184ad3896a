"""The house itself: what loads is ours, the locks say what pyproject says, the wheel lives elsewhere too."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import dev
from benchmarks import meets
from catalogue.cli import main as travee

pytest_plugins = ["pytester"]

PACKAGES = ("catalogue", "harvest", "indexes", "export")
PYPROJECT = tomllib.loads((dev.ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PACKAGES)
def test_our_packages_load_from_this_repository(name: str) -> None:
    """A published package is called `catalogue` too: it must never take our place."""
    package = importlib.import_module(name)
    assert package.__file__ == str(dev.ROOT / name / "__init__.py")


# --- the locks -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Locked:
    name: str
    version: Version
    marker: Marker | None
    hashes: tuple[str, ...]
    direct: bool  # asked for by pyproject, and not only by another package


def read_lock(path: Path) -> list[Locked]:
    entries = re.split(r"^(?=[A-Za-z0-9])", path.read_text(), flags=re.MULTILINE)[1:]
    return [parse_entry(entry) for entry in entries]


def parse_entry(entry: str) -> Locked:
    requirement = Requirement(entry.partition("\\\n")[0])
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    via = entry.partition("# via ")[2]
    return Locked(
        name=canonicalize_name(requirement.name),
        version=Version(pin.version),
        marker=requirement.marker,
        hashes=tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})(?:\s|$)", entry)),
        direct="(pyproject.toml" in via,
    )


def asked_for(*, development: bool) -> dict[str, Requirement]:
    texts = list(PYPROJECT["project"]["dependencies"])
    if development:
        texts += PYPROJECT["dependency-groups"]["dev"]
        texts += PYPROJECT["project"]["optional-dependencies"]["postgres"]
    return {canonicalize_name(wanted.name): wanted for wanted in map(Requirement, texts)}


@pytest.mark.parametrize(("lock", "development"), [(dev.LOCK, False), (dev.DEV_LOCK, True)], ids=["run", "dev"])
def test_the_lock_says_what_pyproject_says(lock: Path, development: bool) -> None:
    wanted = asked_for(development=development)
    locked = read_lock(lock)
    assert {entry.name for entry in locked if entry.direct} == set(wanted)
    too_old = [entry for entry in locked if entry.direct and entry.version not in wanted[entry.name].specifier]
    assert too_old == []
    assert [entry.name for entry in locked if not entry.hashes] == []


def test_the_development_lock_holds_all_of_the_other_one() -> None:
    """So one environment serves the demo and the tests."""
    small, large = (
        {(entry.name, entry.version, str(entry.marker)) for entry in read_lock(lock)}
        for lock in (dev.LOCK, dev.DEV_LOCK)
    )
    assert small - large == set()


def test_no_file_of_ours_names_a_package_registry() -> None:
    """Where packages come from is each machine's affair: a mirror, a proxy, a folder."""
    places = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.org|proxy\.golang\.org|repo1\.maven\.org")
    named = [
        path.relative_to(dev.ROOT)
        for path in dev.project_files()
        if places.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert named == []
    assert not any(
        re.search(r"://|--(extra-)?index|--find-links", lock.read_text()) for lock in (dev.LOCK, dev.DEV_LOCK)
    )


# --- the wheel -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Installed:
    wheel: Path
    scripts: Path
    away: Path  # a folder that is not the repository

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of that environment, far from the repository, with nothing of ours on the path."""
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith(("TRAVEE_", "PYTHON"))}
        surroundings |= {"TRAVEE_DATA_DIR": str(self.away / "var"), "LC_ALL": "C.UTF-8"}
        command = [str(self.scripts / program), *arguments]
        done = subprocess.run(command, cwd=self.away, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Our wheel, built and installed as a stranger would, into an environment of its own.

    The dependencies are lent by the environment that runs the tests: this needs no network.
    """
    away = tmp_path_factory.mktemp("away")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(away), str(dev.ROOT)]
    run_quietly(build)
    (wheel,) = away.glob("*.whl")
    home = away / "venv"
    run_quietly([sys.executable, "-m", "venv", "--without-pip", str(home)])
    scripts = home / dev.SCRIPTS.name
    install = dev.installer(scripts / dev.PYTHON.name)
    assert install is not None
    run_quietly([*install, "-q", "--no-deps", "--no-index", str(wheel)])
    packages = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    (Path(packages) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield Installed(wheel, scripts, away)


def run_quietly(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_carries_every_file_of_the_four_packages(installed: Installed) -> None:
    """Templates, tables, translations, migrations: a screen that works here must work there."""
    kept = {path.relative_to(dev.ROOT).as_posix() for path in dev.project_files()}
    ours = {name for name in kept if name.startswith(tuple(f"{package}/" for package in PACKAGES))}
    carried = set(zipfile.ZipFile(installed.wheel).namelist())
    assert ours - carried == set()
    assert not any(name.startswith(("tests/", "demo/", "benchmarks/")) for name in carried)
    assert any(name.endswith("licenses/LICENSE") for name in carried)


def test_the_installed_command_explains_itself(installed: Installed) -> None:
    told = installed.run("travee", "--help")
    assert all(command in told for command in ("init", "import", "harvest", "serve"))


SERVE = """
import catalogue
from catalogue.app import create_app

print(catalogue.__file__)
client = create_app().test_client()
print(client.get("/healthz").status_code)
for address, language, word in (("/", "fr", "Rechercher"), ("/en/", "en", "Search")):
    page = client.get(address)
    print(page.status_code, f'<html lang="{language}"' in page.text, word in page.text)
"""


def test_the_installed_copy_serves_its_home_page_in_two_languages(installed: Installed) -> None:
    installed.run("travee", "init")
    place, health, *pages = installed.run("python", "-c", SERVE).splitlines()
    assert Path(place).is_relative_to(installed.away)
    assert health == "200"
    assert pages == ["200 True True", "200 True True"]


# --- the papers ------------------------------------------------------------------------------


def documents() -> list[Path]:
    return [path for path in dev.project_files() if path.suffix == ".md"]


def test_every_command_a_document_names_exists() -> None:
    named = {
        command
        for path in documents()
        for command in re.findall(r"python3 dev\.py (\w+)", path.read_text(encoding="utf-8"))
    }
    assert named <= set(dev.COMMANDS)
    readme = (dev.ROOT / "README.md").read_text(encoding="utf-8")
    assert "python3 dev.py demo" in readme
    assert "python3 dev.py test" in readme


def test_every_travee_command_a_document_shows_exists() -> None:
    shown = {
        (path.name, words)
        for path in documents()
        for block in re.findall(r"```.*?```", path.read_text(encoding="utf-8"), re.DOTALL)
        for words in re.findall(r"\btravee ([a-z-]+(?: [a-z-]+)*)", block)
    }
    assert {(page, words) for page, words in shown if not is_command(words.split())} == set()
    assert ("README.md", "init") in shown


def is_command(words: list[str]) -> bool:
    """Whether the words lead from `travee` to a command; what follows a command are its arguments."""
    command: click.Command | None = travee
    for word in words:
        if isinstance(command, click.Group):
            command = command.commands.get(word)
    return command is not None and not isinstance(command, click.Group)


def test_the_clone_has_its_own_travee(tmp_path: Path) -> None:
    """`.venv/bin/travee`, written by dev.py: called from anywhere, it runs the code of this repository."""
    launcher = tmp_path / "travee"
    launcher.write_text(dev.LAUNCHER)
    command = [sys.executable, str(launcher), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "harvest" in done.stdout


def test_every_link_of_the_documents_leads_somewhere() -> None:
    assert list(dev.broken_links()) == []


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md#top) [mail](mailto:a@b.fr) `[code](no.md)` [gone](away/gone.md)\n")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    assert list(dev.broken_links()) == ["page.md: away/gone.md"]


def test_the_list_of_decisions_names_each_of_them() -> None:
    folder = dev.ROOT / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


# --- dev.py ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["launch"], 2), (["--help"], 0)])
def test_dev_py_says_what_it_can_do(arguments: list[str], code: int) -> None:
    command = [sys.executable, str(dev.ROOT / "dev.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert all(f"python3 dev.py {name}" in done.stdout + done.stderr for name in dev.COMMANDS)


def test_an_unknown_benchmark_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["bench", "moonlight"]) == 2
    assert "startup" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "target", "good"),
    [(0.5, ">= 0.5", True), (0.49, ">= 0.5", False), (12, "< 10", False), (0, "= 0", True), (7.4, "", True)],
)
def test_a_figure_is_judged_by_its_target(value: float, target: str, good: bool) -> None:
    assert meets(value, target) is good


TWO_TESTS = """
    import pytest
    from tests.needs import need

    def test_with_a_thing_nobody_has(monkeypatch):
        import dev
        monkeypatch.setitem(dev.SYSTEM, "unicorn", dev.SYSTEM["yaz"]._replace(find=lambda: None))
        need("unicorn")

    def test_that_can_run():
        assert True
"""


def test_what_is_missing_from_the_system_is_said_at_the_end(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRAVEE_TEST_ALL", raising=False)
    pytester.makepyfile(TWO_TESTS)
    result = pytester.runpytest_inprocess("-p", "tests.needs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*Missing from the system*", "unicorn: 1 skipped"])


def test_a_skip_is_a_failure_where_all_must_run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAVEE_TEST_ALL", "1")
    pytester.makepyfile(TWO_TESTS)
    result = pytester.runpytest_inprocess("-p", "tests.needs")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*needs: unicorn*"])
