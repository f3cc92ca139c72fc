#!/usr/bin/env python3
"""Verifies the Promela models of this folder, and that each of their mutants is refuted.

A model is a *.pml file that is not included by others (*.inc.pml); its mutants are the MUTANT_<n> that it names. Spin
translates a case to C, the C compiler builds the verifier, and that searches all states: assertions and invalid end states.
Prints a line a case. Exit code: 0 all as expected, 1 something was not, 77 spin or the compiler is missing.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PINS = HERE / "reviewed.txt"
SECONDS = 600      # for the search of one case: a busy machine takes minutes for the largest
MEGABYTES = 1024
COMPILER = "clang"  # translates the large functions of a verifier in half of GCC's time
# The verifier's code is large and runs for seconds: optimising it would take longer than it saves.
COMPILER_FLAGS = ["-O0", "-w", "-DSAFETY", "-DNOFAIR", "-DCOLLAPSE", "-DVECTORSZ=4096", f"-DMEMLIM={MEGABYTES}"]


def models():
    return sorted(path for path in HERE.glob("*.pml") if not path.name.endswith(".inc.pml"))


def cases():
    """Yields (name, model, mutant); mutant 0 is the model itself."""
    for model in models():
        yield model.stem, model, 0
        for mutant in sorted({int(n) for n in re.findall(r"MUTANT_(\d+)", model.read_text())}):
            yield f"{model.stem}/mutant_{mutant}", model, mutant


def run(command, folder, seconds):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, check=False)


def search(model, mutant, folder):
    """Returns the verifier's output, or raises RuntimeError with what went wrong before."""
    for source in HERE.glob("*.pml"):
        shutil.copy(source, folder)
    defines = [f"-DMUTANT_{mutant}"] if mutant else []
    translated = run(["spin", *defines, "-a", model.name], folder, SECONDS)
    if translated.returncode != 0 or not (folder / "pan.c").exists():
        raise RuntimeError("spin: " + translated.stdout.strip())
    built = run([COMPILER, *COMPILER_FLAGS, "-o", "pan", "pan.c"], folder, 5 * SECONDS)
    if built.returncode != 0:
        raise RuntimeError(f"{COMPILER}: " + built.stdout.strip())
    return run(["./pan", "-m500000", "-w22"], folder, SECONDS).stdout


def verdict(output, mutant):
    """Returns (as expected, words)."""
    errors = re.search(r"errors: (\d+)", output)
    if errors is None:
        return False, "the verifier ended without a result:\n" + output
    found = int(errors.group(1)) > 0
    if mutant:
        return found, "refuted" if found else "NOT REFUTED: the model cannot see this fault"
    if found:
        return False, "VIOLATED: " + "".join(re.findall(r"pan:\d+: (.*)", output)[:1])
    for incomplete in ("max search depth too small", "Search not completed", "out of memory"):
        if incomplete in output:
            return False, "incomplete: " + incomplete
    return True, "holds"


def check(name, model, mutant, keep):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="shoal-spin-") as temporary:
        folder = pathlib.Path(temporary)
        try:
            output = search(model, mutant, folder)
            good, words = verdict(output, mutant)
        except subprocess.TimeoutExpired:
            output, good, words = "", False, "out of time"
        except RuntimeError as error:
            output, good, words = "", False, str(error)
        if keep and not good and (folder / f"{model.name}.trail").exists():
            shutil.copytree(folder, keep, dirs_exist_ok=True)
    states = re.search(r"(\d+) states, stored", output)
    count = states.group(1) if states else "-"
    print(f"{'ok  ' if good else 'FAIL'} {name:32} {count:>10} states {time.monotonic() - began:6.1f} s  {words}", flush=True)
    return good


def digest(path):
    source = ROOT / path
    return hashlib.sha256(source.read_bytes()).hexdigest()[:16] if source.exists() else "missing"


def pinned():
    """The mirrored sources as they were when the models were last compared with them: {path: digest}."""
    lines = [line.split() for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    return {path: pin for pin, path in lines}


def warn_of_changes():
    for path, pin in pinned().items():
        if digest(path) != pin:
            print(f"warning: {path} has changed since the models were compared with it; see --review")


def review():
    comment = [line for line in PINS.read_text().splitlines() if line.startswith("#")]
    PINS.write_text("\n".join(comment + [f"{digest(path)} {path}" for path in sorted(pinned())]) + "\n")
    print(f"{PINS.name}: the models are said to be true to {len(pinned())} sources")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="names the cases")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only cases whose names contain it")
    parser.add_argument("--keep", metavar="FOLDER", help="copies the verifier and trail of a failed case there")
    parser.add_argument("--review", action="store_true", help="the models have been compared with the sources as they are now")
    arguments = parser.parse_args()
    chosen = [case for case in cases() if arguments.filter in case[0]]
    if arguments.list:
        print("\n".join(name for name, _, _ in chosen))
        return 0
    if arguments.review:
        review()
        return 0
    if not chosen:
        print(f"run.py: no case has '{arguments.filter}' in its name; --list names them", file=sys.stderr)
        return 1
    for tool in ("spin", COMPILER):
        if shutil.which(tool) is None:
            print(f"run.py: {tool} is not installed: the models are not verified", file=sys.stderr)
            return 77
    warn_of_changes()
    results = [check(name, model, mutant, arguments.keep) for name, model, mutant in chosen]
    print(f"{sum(results)} of {len(results)} as expected")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
