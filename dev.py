#!/usr/bin/env python3
"""Everything one does with this repository, in one file that needs Python 3.11 and nothing else.

    python3 dev.py demo [--port 5000] [--fresh] [--once]    the catalogue, filled, in a browser
    python3 dev.py test [--all] [pytest arguments]          the tests; --all: long ones too, and a skip is a failure
    python3 dev.py check                                    format, rules, types, import directions, links
    python3 dev.py bench [NAME] [--quick]                   the figures
    python3 dev.py doctor                                   what is missing, and the line that installs it

The environment `.venv` is made from the hashed lock, from wheels only, and carries the lock's own
hash as a stamp: as long as the lock has not moved, nothing is installed and a start is instant.
This script never asks for administrator rights; what the system must provide, `doctor` names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
TRAVEE = SCRIPTS / "travee"
STAMP = VENV / "travee-lock.sha256"
LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"  # holds everything of the first, and the tools

_LOCALE = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
FRENCH = _LOCALE.lower().startswith("fr")


def say(french: str, english: str) -> None:
    print(french if FRENCH else english, flush=True)


def stop(french: str, english: str) -> NoReturn:
    sys.exit(french if FRENCH else english)


# --- the environment -------------------------------------------------------------------------


def make_environment(lock: Path) -> None:
    """Have in `.venv` all that `lock` names; the development lock holds the other one, so it serves both."""
    if is_ready(lock):
        return
    count = len(re.findall(r"^[A-Za-z0-9].*==", lock.read_text(), re.MULTILINE))
    say(
        f"Je prépare l’environnement .venv : {count} paquets, une minute environ la première fois…",
        f"Preparing the environment .venv: {count} packages, about a minute the first time…",
    )
    STAMP.unlink(missing_ok=True)  # an installation cut short must be taken up again
    if not PYTHON.exists() or installer(PYTHON) is None:
        make_venv()
    install = installer(PYTHON) or stop(*NO_VENV)
    command = [*install, "-q", "--require-hashes", "--only-binary", ":all:", "-r", str(lock)]
    if subprocess.call(command, cwd=ROOT, env=environment()):
        stop(*INSTALL_FAILED)
    TRAVEE.write_text(LAUNCHER)
    TRAVEE.chmod(0o755)
    STAMP.write_text(digest(lock) + "\n")


def is_ready(lock: Path) -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text().strip() in (digest(lock), digest(DEV_LOCK))


def make_venv() -> None:
    """uv where present; else Python's own venv; on a Debian without `ensurepip`, a venv without pip."""
    attempts = [
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)],
    ]
    if works("uv", "--version"):
        attempts.insert(0, ["uv", "venv", "-q", "--clear", "--python", sys.executable, str(VENV)])
    for command in attempts:
        if subprocess.run(command, capture_output=True, cwd=ROOT).returncode == 0:
            return
    stop(*NO_VENV)


def installer(python: Path) -> list[str] | None:
    """The start of the command that installs into that Python: by uv, or by whichever pip there is."""
    if works("uv", "--version"):
        return ["uv", "pip", "install", "--python", str(python)]
    base = getattr(sys, "_base_executable", sys.executable)  # inside an environment: the Python it came from
    for program in (str(python), sys.executable, base):
        if works(program, "-m", "pip", "--version"):
            return [program, "-m", "pip", "--python", str(python), "--no-input", "install"]
    return None


def works(*command: str) -> bool:
    """Whether the command runs: a name on the path may be an empty shim."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def environment(**more: str) -> dict[str, str]:
    """Ours: UTF-8 everywhere, and no warning about versions of pip that nobody asked for."""
    return {**os.environ, "PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}


LAUNCHER = f"""#!{PYTHON}
# The `travee` of this clone: it runs the code of the repository, and no installed copy of it.
import sys
sys.path.insert(0, {str(ROOT)!r})
from catalogue.cli import main
main()
"""
NO_VENV = (
    "Ce Python ne sait pas installer de paquets : il lui manque venv et pip.\n"
    "  Debian, Ubuntu : sudo apt-get install python3-venv\n"
    "  ailleurs       : Python depuis son site officiel, ou uv.\n"
    "Puis relancez la même commande.",
    "This Python cannot install packages: venv and pip are missing.\n"
    "  Debian, Ubuntu: sudo apt-get install python3-venv\n"
    "  elsewhere:      Python from its official site, or uv.\n"
    "Then run the same command again.",
)
INSTALL_FAILED = (
    "L’installation n’a pas abouti ; la raison est écrite juste au-dessus (souvent : pas de réseau).\n"
    "Relancez la même commande, elle reprendra.",
    "The installation did not complete; the reason is written just above (often: no network).\n"
    "Run the same command again, it will take up where it stopped.",
)


# --- what the system provides ----------------------------------------------------------------


class SystemPackage(NamedTuple):
    find: Callable[[], str | None]
    brew: str
    french: str
    english: str


def find_chromium() -> str | None:
    """The tests' browser: named by TRAVEE_CHROMIUM, on the path, in Applications, or Playwright's own."""
    if chosen := os.environ.get("TRAVEE_CHROMIUM"):
        return chosen if Path(chosen).exists() else None
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    places = [
        *(Path(f"/Applications/{app}.app/Contents/MacOS/{app}") for app in ("Chromium", "Google Chrome")),
        *Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"),
        *Path.home().glob("Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ]
    return next((str(place) for place in places if place.exists()), None)


def find_postgresql() -> str | None:
    """Debian keeps PostgreSQL's own programs off the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return shutil.which("initdb") or (str(versions[-1]) if versions else None)


SYSTEM = {
    "chromium": SystemPackage(find_chromium, "--cask chromium", "vrai navigateur", "real browser"),
    "postgresql": SystemPackage(find_postgresql, "postgresql", "seconde base de données", "second database"),
    "yaz": SystemPackage(lambda: shutil.which("yaz-iconv"), "yaz", "pair des formats", "formats' peer"),
}  # the keys are Debian's names


# --- the commands ----------------------------------------------------------------------------


def demo(arguments: list[str]) -> int:
    """Become the demo's own process, so that Ctrl-C and a stop order reach it and not only us."""
    make_environment(LOCK)
    command = [str(PYTHON), "-m", "demo.build", *arguments]
    quiet = environment(PYTHONWARNINGS="ignore::SyntaxWarning")  # of old packages, compiled the first time
    if os.name == "nt":
        return subprocess.call(command, cwd=ROOT, env=quiet)
    os.chdir(ROOT)
    return os.execve(command[0], command, quiet)


def test(arguments: list[str]) -> int:
    make_environment(DEV_LOCK)
    strict = {"TRAVEE_TEST_ALL": "1"} if "--all" in arguments else {}
    chosen = [argument for argument in arguments if argument != "--all"]
    command = [str(PYTHON), "-m", "pytest", "-n", "auto", "--dist", "worksteal", *chosen]
    return subprocess.call(command, cwd=ROOT, env=environment(**strict))


def check(arguments: list[str]) -> int:
    """Every check runs, so that one visit shows everything that is to be mended."""
    if arguments:
        return usage()
    make_environment(DEV_LOCK)
    python = str(PYTHON)
    checks: dict[tuple[str, str], Sequence[str]] = {
        ("mise en forme", "format"): (python, "-m", "ruff", "format", "--check", "."),
        ("règles", "rules"): (python, "-m", "ruff", "check", "."),
        ("types", "types"): (python, "-m", "mypy"),
        ("sens des imports", "import directions"): (str(SCRIPTS / "lint-imports"), "--no-logo"),
    }
    failed = []
    for (french, english), command in checks.items():
        say(f"— {french}", f"— {english}")
        if subprocess.call(command, cwd=ROOT, env=environment()):
            failed.append(french if FRENCH else english)
    say("— liens", "— links")
    if broken := list(broken_links()):
        print(*broken, sep="\n")
        failed.append("liens" if FRENCH else "links")
    if failed:
        say(f"À reprendre : {', '.join(failed)}.", f"To be mended: {', '.join(failed)}.")
        return 1
    say("Tout est en ordre.", "All is in order.")
    return 0


def broken_links() -> Iterator[str]:
    """Each relative link of a Markdown file that leads nowhere; code blocks are examples and left out."""
    for path in project_files():
        if path.suffix != ".md":
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(<?([^)>\s]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE):
            link = unquote((target[0] or target[1]).partition("#")[0])
            if not link or re.match(r"[a-z][a-z0-9+.-]*:|//", link):
                continue
            start = ROOT if link.startswith("/") else path.parent
            if not (start / link.lstrip("/")).exists():
                yield f"{path.relative_to(ROOT)}: {link}"


def project_files() -> list[Path]:
    """The files of the project: what git keeps or would keep; without git, all but what is made."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        made = {"var", "build", "dist", "__pycache__", ".venv", ".git"}
        paths = [path for path in ROOT.rglob("*") if not made & set(path.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file())


def bench(arguments: list[str]) -> int:
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__init__")
    quick = [argument for argument in arguments if argument == "--quick"]
    names = [argument for argument in arguments if argument != "--quick"] or known
    if unknown := sorted(set(names) - set(known)):
        choice = ", ".join(known)
        say(f"Inconnu : {unknown[0]}. Au choix : {choice}.", f"Unknown: {unknown[0]}. One of: {choice}.")
        return 2
    make_environment(DEV_LOCK)
    table: list[list[str]] = []
    failed = False
    for name in names:
        print(f"— {name}", flush=True)
        rows, code = measure([str(PYTHON), "-m", f"benchmarks.{name}", *quick])
        failed = failed or code != 0 or not rows or not all(row["ok"] for row in rows)
        for row in rows:
            cells = (name, *(row[key] for key in ("what", "value", "unit", "target")))
            table.append([*map(str, cells), "✓" if row["ok"] else "✗"])
    print()
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return int(failed)


def measure(command: list[str]) -> tuple[list[dict[str, object]], int]:
    """Run a benchmark, showing what it says, and read its last `FIGURES [...]` line."""
    rows: list[dict[str, object]] = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout or ():
            if line.startswith("FIGURES "):
                rows = json.loads(line.removeprefix("FIGURES "))
            else:
                print(line, end="", flush=True)
    return rows, process.returncode


def doctor(arguments: list[str]) -> int:
    if arguments:
        return usage()
    can_install = installer(Path(sys.executable)) is not None
    missing = [name for name, package in SYSTEM.items() if package.find() is None]
    mark(True, *2 * [f"Python {sys.version.split()[0]}"])
    mark(works("uv", "--version"), "uv (facultatif, plus rapide)", "uv (optional, faster)")
    mark(can_install, "de quoi installer des paquets : uv ou pip", "something to install with: uv or pip")
    mark(is_ready(DEV_LOCK), ".venv à jour (il se fait tout seul)", ".venv up to date (it makes itself)")
    mark(
        shutil.which("tesseract") is not None,
        "tesseract (facultatif : lit les PDF scannés ; tesseract-ocr et tesseract-ocr-fra)",
        "tesseract (optional: reads scanned PDFs; tesseract-ocr and tesseract-ocr-fra)",
    )
    for name, package in SYSTEM.items():
        mark(name not in missing, f"{name} ({package.french})", f"{name} ({package.english})")
    if sys.platform == "darwin":
        line = " && ".join(f"brew install {SYSTEM[name].brew}" for name in missing)
    else:
        line = " ".join(missing + ([] if can_install else ["python3-venv"]))
        line = line and f"sudo apt-get install {line}"
    if line:
        say(f"\nPour tout avoir :\n  {line}", f"\nTo have everything:\n  {line}")
        return 1
    say("\nIl ne manque rien.", "\nNothing is missing.")
    return 0


def mark(there: bool, french: str, english: str) -> None:
    say(f"{'✓' if there else '✗'} {french}", f"{'✓' if there else '✗'} {english}")


def usage() -> int:
    print(__doc__, file=sys.stderr)
    return 2


COMMANDS: dict[str, Callable[[list[str]], int]]
COMMANDS = {"demo": demo, "test": test, "check": check, "bench": bench, "doctor": doctor}


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is precisely who reads this
        stop("Il faut Python 3.11 ou plus récent.", "Python 3.11 or newer is needed.")
    if arguments in (["--help"], ["-h"]):
        print(__doc__)
        return 0
    if not arguments or arguments[0] not in COMMANDS:
        return usage()
    try:
        return COMMANDS[arguments[0]](arguments[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
