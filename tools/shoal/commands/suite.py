"""Runs benchmark suites in the guest and prints the table that `run` and `bench` share."""
import argparse
import json
import os
from pathlib import Path

from .. import failure, figures, guest_suites, host_facts, serial_log
from ..errors import ExitCode, ShoalError
from ..guest import Outcome
from ..progress import say
from . import common

# Rounds of a workload in each measurement: enough for the clock, few enough for a table in a minute.
ROUNDS = 16


def run_suites(options: argparse.Namespace, names: list[str], json_file: str | None) -> int:
    """Each suite at each CPU count, then one table. The first run that fails ends it with its exit code."""
    _check_target(json_file)
    rows, documents = [], []
    for name in names:
        planned = common.machines(options, guest_suites.boot_options(name, [f"rounds={ROUNDS}"]))
        if options.dry_run:
            common.print_dry(planned)
            continue
        for machine in planned:
            outcome = common.run_one(machine, f"suite {name}", options.timeout, show_console=False)
            if outcome.exit_code:
                log = failure.keep_log(outcome, f"{name}-{machine.cpus}")
                say(f"suite {name} at {machine.cpus} CPUs: {outcome.describe()}\n  log: {log}")
                failure.advise(outcome)
                return outcome.exit_code
            document = _document(outcome, machine)
            documents.append(document)
            rows += figures.figures(document, machine.cpus)
    if not options.dry_run:
        _print(rows, documents)
        if json_file:
            Path(json_file).write_text(json.dumps(merge(documents), indent=2) + "\n")
            say(f"figures written to {json_file}")
    return ExitCode.OK


def _check_target(json_file: str | None) -> None:
    """Refuses a file that cannot be written, before figures are measured for it."""
    if json_file and not os.access(Path(json_file).parent, os.W_OK):
        raise ShoalError(f"--json {json_file}: the folder is not there or may not be written", "name a file elsewhere",
                         ExitCode.USAGE)


def _document(outcome: Outcome, machine) -> dict:
    """The run's figures, with the host's facts in their context."""
    documents = serial_log.benchmark_documents(outcome.lines)
    if not documents:
        log = failure.keep_log(outcome, "suite-without-figures")
        raise ShoalError(f"the guest ended well and printed no figures (no '{serial_log.JSON_BEGIN}' on its console)",
                         f"read its console: {log}", ExitCode.FAILED)
    document = merge(documents)
    document["context"] |= host_facts.context(machine.accelerator, machine.cpus)
    document["context"]["guest_system"] = serial_log.system_line(outcome.lines)
    for entry in document["benchmarks"]:
        entry["virtual_cpus"] = machine.cpus
        entry["note"] = document["context"]["note"]
    return document


def merge(documents: list[dict]) -> dict:
    """One document of several: the first one's context, which lists all virtual CPU counts, and all benchmarks."""
    context = dict(documents[0].get("context", {})) if documents else {}
    counts = sorted({d.get("context", {}).get("virtual_cpus", 0) for d in documents} - {0})
    if counts:
        context["virtual_cpus"] = counts[0] if len(counts) == 1 else counts
    return {"context": context, "benchmarks": [entry for d in documents for entry in d.get("benchmarks", [])]}


def _print(rows: list[figures.Figure], documents: list[dict]) -> None:
    context = documents[0]["context"]
    cpus = ", ".join(str(d["context"]["virtual_cpus"]) for d in documents)
    print(context["guest_system"].partition(" cpus ")[0].capitalize() or "Shoal")
    print(f"accelerator: {context['accelerator']}; host: {context['host_processor']}, {context['host_cores']} cores; "
          f"virtual CPUs: {cpus}")
    print(f"why this accelerator: {context['accelerator_reason']}")
    print(figures.table(figures.ordered(rows)))
    if context["accelerator"] == "tcg":
        print("TCG translates instructions: these figures compare runs with each other and say nothing about a real machine.")
