#!/usr/bin/env python3
"""Puts one defect after the other into a copy of VM and sees which model test notices it, and after how many operations.

    tests/model/mutants/run.py [--list] [--filter TEXT] [--quick] [--jobs N] [--table] [--folder FOLDER]

Works in temporary folders, or below one that it keeps, and compiles only what a defect touches. The stages are tried in the
order of STAGES, but first the one that the table expects to notice (`first`). Exit code: 0 all caught, 1 one survived, 2 the
table does not fit the sources, or they do not build or pass as they are. With SHOAL_FULL in the environment --quick is ignored.
"""

import argparse
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
TABLE = Path(__file__).with_name("mutants.toml")
COPIED = ("CMakeLists.txt", "CMakePresets.json", "cmake", "abi", "base", "boot", "kernel", "libc-min", "servers", "bench", "tests")


@dataclass(frozen=True)
class Stage:
    preset: str
    programs: tuple[str, ...]  # below the build folder
    processor_seconds: int = resource.RLIM_INFINITY  # of a program that may spin for ever; the models end themselves


DIRECTED = tuple(f"tests/unit/{folder}/{folder}{kind}_test" for folder in ("vm_space", "vm_alloc") for kind in ("", "_threads"))
STAGES = {
    "sequential": Stage("dev", ("tests/model/vm_model_test",)),
    "directed": Stage("dev", DIRECTED, 300),
    "n-th failure": Stage("dev", ("tests/model/nth_failure_test",), 300),
    "concurrent": Stage("dev", ("tests/model/vm_concurrent_test",)),
    "ThreadSanitizer": Stage("tsan", ("tests/model/vm_concurrent_test",)),
}
SECONDS = 1200  # for a test program
ENVIRONMENT = {"SHOAL_SEED": "1", "SHOAL_MODEL_OPERATIONS": "20000", "SHOAL_SHRINK_SECONDS": "20",
               "SHOAL_CONCURRENT_SECONDS": "40", "CCACHE_NOHASHDIR": "1",
               "SHOAL_ANSWERS": os.devnull}  # what a wrong VM answers proves nothing
AFTER = re.compile(r"after (\d+) operations(?:, shrunk to (\d+))?")


@dataclass
class Mutant:
    name: str
    file: str
    find: str
    replace: str
    quick: bool = False
    first: str = ""  # the stage to try before the others

    def stages(self) -> list[str]:
        return sorted(STAGES, key=lambda stage: stage != self.first)


@dataclass
class Verdict:
    stage: str = ""  # which test failed; "" none
    how: str = ""
    after: str = ""  # operations
    shrunk: str = ""
    broken: bool = False

    def __str__(self) -> str:
        if self.broken:
            return "does not compile"
        if not self.stage:
            return "SURVIVED"
        return f"{self.stage:16} {self.how:12}" + (f" after {self.after}" if self.after else "") + (f", shrunk to {self.shrunk}" if self.shrunk else "")


MARKS = (("data race", "data race"), ("does not end", "does not end"), ("out of time", "does not end"),
         ("assertion failed", "assertion"), ("the audit found", "audit"), ("no order explains", "history"),
         ("two maps at once", "placement"), ("private page", "contents"), ("expected", "answer"), ("it died", "crash"),
         ("status", "sanitizer"))
FAILED_TEST = re.compile(r"\[  FAILED  \] ([\w/]+\.[\w/]+)")
BEGUN_TEST = re.compile(r"\[ RUN      \] ([\w/]+\.[\w/]+)")


def how_it_showed(stage: str, output: str) -> str:
    """A word for the failure: what the report of a test that found a defect has in it; of a directed test its name."""
    if stage == "directed" and (tests := FAILED_TEST.findall(output)[:1] or BEGUN_TEST.findall(output)[-1:]):
        return tests[0]  # or the last that began, if the program died of it
    return next((word for mark, word in MARKS if mark in output), "unknown")


class Unfit(Exception):
    """The sources as they are do not build, or a test of theirs fails."""

    def __init__(self, verdict: Verdict):
        super().__init__(str(verdict))
        self.verdict = verdict


class Workshop:
    """A copy of the sources with build folders; holds one defect at a time."""

    def __init__(self, root: Path):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            for source in sorted((SOURCE / name).rglob("*") if (SOURCE / name).is_dir() else [SOURCE / name]):
                self.bring(source)
        self.configured: set[str] = set()
        self.proven: dict[str, Verdict] = {}  # stages that the sources as they are have been put through

    def bring(self, source: Path):
        """Copies a file that is not there yet or differs; what is the same keeps its time, and need not be compiled again."""
        target = self.root / source.relative_to(SOURCE)
        if not source.is_file() or (target.exists() and target.read_bytes() == source.read_bytes()):
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def run(self, command, processor_seconds: int = resource.RLIM_INFINITY) -> tuple[bool, str]:
        """Whether it succeeded, and what it printed."""
        limits = (processor_seconds, processor_seconds)
        environment = {**os.environ, **ENVIRONMENT, "CCACHE_BASEDIR": str(self.root)}
        process = subprocess.Popen(command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limits))
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return False, output + "\nout of time"
        return process.returncode == 0, output

    def build(self, target: str, preset: str) -> bool:
        if preset not in self.configured:
            launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
            if not self.run(["cmake", "--preset", preset, *launcher])[0]:
                return False
            self.configured.add(preset)
        return subprocess.run(["cmake", "--build", f"build/{preset}", "-j", "2", "--target", target], cwd=self.root, check=False,
                              env={**os.environ, **ENVIRONMENT, "CCACHE_BASEDIR": str(self.root)},
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def judge(self, stage: str) -> Verdict:
        """The first test of the stage that fails with the sources as they are in the workshop now."""
        preset = STAGES[stage].preset
        for program in STAGES[stage].programs:
            if not self.build(Path(program).name, preset):
                return Verdict(broken=True)
            path = self.root / "build" / preset / program
            good, output = self.run([str(path), "--gtest_fail_fast"], STAGES[stage].processor_seconds)
            if not good:
                found = AFTER.search(output)
                return Verdict(stage, how_it_showed(stage, output), *(text or "" for text in (found.groups() if found else ())))
        return Verdict()

    def judge_unspoilt(self, stage: str) -> Verdict:
        """Only a stage that passes without a defect says something of one; it is built and run when a defect first comes to it."""
        if stage not in self.proven:
            self.proven[stage] = self.judge(stage)
        return self.proven[stage]

    def judge_with(self, mutant: Mutant, stage: str) -> Verdict:
        path = self.root / mutant.file
        original = path.read_text()
        path.write_text(original.replace(mutant.find, mutant.replace))
        try:
            return self.judge(stage)
        finally:
            path.write_text(original)

    def put_through_stages(self, mutant: Mutant) -> Verdict:
        """The verdict of the first stage that notices; raises Unfit if a stage fails without any defect."""
        for stage in mutant.stages():
            unspoilt = self.judge_unspoilt(stage)
            if unspoilt.broken or unspoilt.stage:
                raise Unfit(unspoilt)
            verdict = self.judge_with(mutant, stage)
            if verdict.broken or verdict.stage:
                return verdict
        return Verdict()


def load(arguments) -> list[Mutant]:
    mutants = [Mutant(**entry) for entry in tomllib.loads(TABLE.read_text())["mutant"]]
    for mutant in mutants:
        if (SOURCE / mutant.file).read_text().count(mutant.find) != 1:
            print(f"{mutant.name}: its text is not once in {mutant.file}", file=sys.stderr)
            sys.exit(2)
    chosen = [m for m in mutants if arguments.filter in m.name]
    return [m for m in chosen if m.quick] if arguments.quick and "SHOAL_FULL" not in os.environ else chosen


def work(root: Path, waiting: queue.SimpleQueue, verdicts: dict[str, Verdict], lock: threading.Lock):
    shop = Workshop(root)
    while True:
        try:
            mutant = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            verdict = shop.put_through_stages(mutant)
        except Unfit as unfit:
            with lock:
                verdicts["the sources as they are"] = Verdict(unfit.verdict.stage, broken=True)
            return
        with lock:
            verdicts[mutant.name] = verdict
            print(f"{mutant.name:52} {verdict}", flush=True)


def print_table(mutants: list[Mutant], verdicts: dict[str, Verdict]):
    print("| Defect | Caught by | As | After operations | Shrunk to |\n|---|---|---|---|---|")
    for mutant in mutants:
        verdict = verdicts.get(mutant.name, Verdict())
        print(f"| {mutant.name} | {verdict.stage or 'nothing'} | {verdict.how or '-'} | {verdict.after or '-'} | {verdict.shrunk or '-'} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the defects and end")
    parser.add_argument("--filter", default="", help="only those whose name contains this")
    parser.add_argument("--quick", action="store_true", help="the fixed few of every model run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="work below this folder and keep it: the next run compiles less")
    parser.add_argument("--table", action="store_true", help="print the result as the table of tests/model/README.md, too")
    arguments = parser.parse_args()
    mutants = load(arguments)
    if arguments.list:
        print("\n".join(m.name for m in mutants))
        return 0
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    verdicts: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory(prefix="shoal-mutants-") as temporary:
        folder = arguments.folder or temporary
        lock = threading.Lock()
        jobs = min(arguments.jobs, len(mutants))
        threads = [threading.Thread(target=work, args=(Path(folder) / str(i), waiting, verdicts, lock)) for i in range(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if arguments.table:
        print_table(mutants, verdicts)
    broken = [name for name, verdict in verdicts.items() if verdict.broken]
    caught = [m for m in mutants if m.name in verdicts and verdicts[m.name].stage and m.name not in broken]
    print(f"{len(caught)} of {len(mutants)} caught")
    if broken:
        print("does not build or pass: " + ", ".join(broken), file=sys.stderr)
        return 2
    return 0 if len(caught) == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
