"""Histories of pages that threads on all CPUs share: written by the guest, explained or refuted on the host."""
import subprocess

from shoal import project
from shoal.guest import Outcome
from shoal.testing.boot_case import BootCase, ImageFacts, ends_well

CHECKER_PRESET, CHECKER = "release", "check_history"  # the boot suites build it


def cases(facts: ImageFacts) -> list[BootCase]:
    offered = []
    for debug in (False, True):
        for cpus in (2, 4):
            offered.append(BootCase(f"histories/{'debug' if debug else 'release'}-{cpus}",
                                    ["rs.program=historian", f"rs.args=count=15000,seed={facts.seed}"], cpus, debug=debug, timeout=240,
                                    program="historian", check=explained, only_full=debug and cpus != 4))
    return offered


def explained(outcome: Outcome) -> str:
    """The run ended well, and some order of its events explains what each thread saw of each page."""
    checker = project.BUILD / CHECKER_PRESET / "tests" / "model" / CHECKER
    return ends_well(outcome) or judged(checker, outcome.lines)


def judged(checker, lines: list[str]) -> str:
    run = subprocess.run([checker], input="\n".join(lines), capture_output=True, text=True, timeout=120, check=False)
    return "" if run.returncode == 0 else (run.stdout or run.stderr).strip()
