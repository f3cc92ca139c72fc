"""bench: host and guest benchmark suites."""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from .. import build, guest_suites, host_facts, project
from ..errors import ExitCode, ShoalError
from ..progress import Progress, say
from . import common, suite

HELP = "host and guest benchmark suites, as tables and Google Benchmark JSON"
DESCRIPTION = """Runs the guest suites (faults, pipeline, ipc, vm) in QEMU at each CPU count and the host suites (the VM core as a
library, on this machine). --suite chooses; --json writes Google Benchmark's format, which its compare.py reads."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_machine_arguments(parser, cpus="1,2,4")
    parser.add_argument("--suite", action="append", choices=(*guest_suites.MEASURED, "host"), help="only this suite (may be repeated)")
    parser.add_argument("--json", metavar="FILE", help="write the guest's figures to FILE and the host's to host-FILE beside it")
    parser.add_argument("--filter", default="", metavar="REGEX", help="host suites: only benchmarks that match")


def run(options: argparse.Namespace) -> int:
    wanted = options.suite or [*guest_suites.MEASURED, "host"]
    in_guest = [name for name in wanted if name != "host"]
    status = suite.run_suites(options, in_guest, options.json) if in_guest else ExitCode.OK
    if status == ExitCode.OK and "host" in wanted:
        status = _host_suites(options)
    return status


def host_programs() -> list[Path]:
    """The host benchmark programs of the release build."""
    folder = project.BUILD / "release" / "bench" / "host"
    return sorted(p for p in folder.glob("*") if p.is_file() and p.stat().st_mode & 0o111) if folder.is_dir() else []


def _host_suites(options: argparse.Namespace) -> int:
    if not options.no_build and not options.dry_run:
        build.build("release", "host_suites")
    programs = host_programs()
    if not programs and not options.dry_run:
        raise ShoalError("the release build has no host benchmarks (build/release/bench/host)", "./shoal setup, then again")
    documents = []
    for program in programs:
        command = [str(program), f"--benchmark_filter={options.filter or '.'}", f"--benchmark_context=accelerator=none,host_cores={host_facts.host_cores()}"]
        if options.dry_run:
            print(" ".join(command))
            continue
        documents.append(_run_host(program.name, command))
    if options.json and documents:
        target = Path(options.json).with_name("host-" + Path(options.json).name)
        target.write_text(json.dumps(suite.merge(documents), indent=2) + "\n")
        say(f"host figures written to {target}")
    return ExitCode.OK


def _run_host(name: str, command: list[str]) -> dict:
    """Runs one program, shows its table, and returns its document."""
    with tempfile.TemporaryDirectory(prefix="shoal-bench-") as folder:
        out = Path(folder) / "figures.json"
        with Progress(f"host suite {name}"):
            done = subprocess.run(command + [f"--benchmark_out={out}", "--benchmark_out_format=json"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
        print(done.stdout, end="")
        if done.returncode:
            raise ShoalError(f"host suite {name} ended with status {done.returncode}: {done.stderr.strip()[-400:]}",
                             f"run it by hand: {' '.join(command)}", ExitCode.FAILED)
        return json.loads(out.read_text())
