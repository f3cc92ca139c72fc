"""Configures and builds the CMake presets."""
import contextlib
import fcntl
import functools
import os
import re
import subprocess
from pathlib import Path

from . import packages, project
from .errors import ExitCode, ShoalError
from .progress import Progress, say

_NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\] (.*)")


@functools.cache
def ensure_tools() -> None:
    """On a machine where something is missing: what `./shoal setup` would do first."""
    missing = packages.missing_packages()
    if missing:
        say("some packages are missing; installing them first (./shoal setup does the same)")
        packages.install(missing)


def build(preset: str, target: str | None = None) -> None:
    """Brings build/PRESET up to date; raises ShoalError with the compiler's words on failure. In CI warnings are errors."""
    ensure_tools()
    with alone(preset):
        _configure_and_build(preset, target)


@contextlib.contextmanager
def alone(preset: str):
    """One build of a preset at a time, whoever asks for it: two would write the same files."""
    project.BUILD.mkdir(exist_ok=True)
    with open(project.BUILD / f"{preset}.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another build of {preset} is under way in this tree: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _configure_and_build(preset: str, target: str | None) -> None:
    if not (project.BUILD / preset / "build.ninja").exists():
        strict = ["-DSHOAL_WERROR=ON"] if os.environ.get("CI") == "true" else []
        _run(["cmake", "--preset", preset, *strict], f"configuring {preset}")
    command = ["cmake", "--build", "--preset", preset]
    _run(command + (["--target", target] if target else []), f"building {preset}" + (f" ({target})" if target else ""))


def build_image(debug: bool = False) -> Path:
    """Builds the ISO and returns its path."""
    build(project.guest_preset(debug), "iso")
    return require_image(debug)


def require_image(debug: bool = False) -> Path:
    iso = project.image(debug)
    if not iso.exists():
        raise ShoalError(f"image missing: {iso.relative_to(project.ROOT)}", "./shoal iso" + (" --debug" if debug else ""))
    return iso


def _run(command: list[str], what: str) -> None:
    with Progress(what) as progress:
        process = subprocess.Popen(command, cwd=project.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace")
        lines: list[str] = []
        try:
            for line in process.stdout:
                step = _NINJA_STEP.match(line)
                progress.update(f"step {step[1]} of {step[2]}: {step[3]}" if step else line.strip())
                lines.append(line.rstrip())
        except KeyboardInterrupt:
            process.terminate()
            raise
        if process.wait() != 0:
            raise ShoalError(f"{what} failed:\n" + "\n".join(_telling(lines)),
                             f"mend the error above; the whole output: {' '.join(command)}", ExitCode.FAILED)


def _telling(lines: list[str]) -> list[str]:
    """The lines from the first failure on, or the last ones; at most 60."""
    first = next((i for i, line in enumerate(lines) if line.startswith("FAILED:") or "CMake Error" in line), None)
    return lines[-30:] if first is None else lines[first:first + 60]
