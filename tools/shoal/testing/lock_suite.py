"""clang's -Wthread-safety over every C++ source of the compilation databases."""
import json
import shlex
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .. import build, project
from .reporter import Reporter, Result
from .settings import Settings

PRESETS = ("dev", "guest")  # file by file, as dev compiles them; the guest's: what is no host source
# Options that GCC 12 knows and clang 14 refuses or does not need for an analysis of the source.
_DROPPED = ("-ftrivial-auto-var-init", "-fcf-protection", "-mgeneral-regs-only", "-c", "-MD")


class LockSuite:
    """One case for each source file; their names are unit/locks-PRESET/FILE."""

    group, prefix = "unit", "unit/locks"

    def __str__(self) -> str:
        return "unit/locks"

    def prepare(self) -> None:
        for preset in PRESETS:
            build.build(preset, "shoal_abi")  # configures it, and generates the headers

    def cases(self) -> list[str]:
        return [name for name, _ in self._entries()]

    def run(self, reporter: Reporter, settings: Settings) -> None:
        entries = [entry for entry in self._entries() if settings.wants(entry[0])]
        if not entries:
            return
        if not clang():
            reporter.missing("unit/locks", "there is no clang++ (./shoal setup)")
            return
        with ThreadPoolExecutor(settings.jobs) as pool:
            for result in pool.map(lambda entry: _check(*entry, settings), entries):
                reporter.add(result)

    def _entries(self) -> list[tuple[str, dict]]:
        found, seen = [], set()
        for preset in PRESETS:
            database = project.BUILD / preset / "compile_commands.json"
            if not database.exists():
                continue
            for entry in json.loads(database.read_text()):
                path = Path(entry["file"])
                if path in seen or not _is_product(path):
                    continue
                seen.add(path)
                found.append((f"unit/locks-{preset}/{path.relative_to(project.ROOT)}", entry))
        return found


def _is_product(path: Path) -> bool:
    """Tests are left out: a death test leaves a lock held on a path that the analysis cannot know to end."""
    return (path.suffix == ".cpp" and path.exists() and path.is_relative_to(project.ROOT)
            and path.relative_to(project.ROOT).parts[0] not in ("tests", "build"))


def clang() -> str | None:
    return shutil.which("clang++-14") or shutil.which("clang++")


def analysis_command(entry: dict) -> list[str]:
    """clang's line for a database entry: its includes, macros and language, no output, only lock warnings, as errors."""
    words, kept = shlex.split(entry["command"])[1:], []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MT", "-MF"):
            skip = True
        elif not word.startswith(_DROPPED) and not word.startswith(("-W", "-fsanitize", "-fno-sanitize")):
            kept.append(word)
    return [clang() or "clang++", *kept, "-fsyntax-only", "-Wno-everything", "-Wthread-safety", "-Werror=thread-safety"]


def _check(name: str, entry: dict, settings: Settings) -> Result:
    started = time.monotonic()
    done = subprocess.run(analysis_command(entry), cwd=entry["directory"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    reason = "\n".join(done.stderr.strip().splitlines()[:12])
    return Result(name, done.returncode == 0, time.monotonic() - started, "" if done.returncode == 0 else reason,
                  reproduce=settings.reproduce("unit", name))
