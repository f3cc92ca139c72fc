"""sim: the guest suites in the multicore timing model."""
import argparse
import json
import shlex
from pathlib import Path

from .. import build, cpu_list, guest_suites, host_facts, machine, project
from ..errors import ExitCode, ShoalError
from ..progress import say
from ..sim import baselines, conflicts, explain, ratchets, report, simulated_machine, symbols, table, waits
from ..sim.measurements import Measured
from ..sim.report import Names
from ..sim.run import Run, guest_options, run_and_look
from ..sim.run import run as run_in_model
from ..sim.simulated_machine import SimulatedMachine

HELP = "the guest suites in the multicore timing model, beside other systems' figures"
DESCRIPTION = """Runs guest suites in QEMU under a timing model of a machine with many cores (bench/sim/README.md: what it charges,
what it leaves out, how far to trust it) and prints cycles and counted events an operation. The largest machine measures 1, 2, 4 ..
actors up to its CPUs, a smaller one as many as it has CPUs."""

CONFLICTS = "conflicts"
_FIXED_COUNTS = {CONFLICTS: [conflicts.CPUS], guest_suites.WAITS: [waits.CPUS]}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cpus", default="1,2,4,8,16", metavar="LIST", help="CPU counts, one run each (default 1,2,4,8,16; at most 64)")
    parser.add_argument("--suite", action="append", choices=(*guest_suites.MEASURED, CONFLICTS, guest_suites.WAITS),
                        help="this suite (may be repeated; default faults); conflicts: lines that pairs of operations share; "
                             "waits: how long a fault waits beside long work on its CPU")
    parser.add_argument("--rounds", type=int, default=4, metavar="N", help="rounds of a workload in each measurement (default 4)")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only workloads whose name contains it")
    parser.add_argument("--plugin", metavar="FILE", help="another build of the model with the same marks and output")
    parser.add_argument("--keep", metavar="DIR", help="leave DIR/cpus-N.serial and DIR/cpus-N.sim (of several suites: DIR/SUITE/..)")
    parser.add_argument("--hot", action="store_true", help="name the code that pays for remote lines, and the lines")
    parser.add_argument("--profile", action="store_true", help="name the functions that take the cycles; folded stacks go to build/sim")
    parser.add_argument("--explain", nargs="?", const="docs/one-fault.md", metavar="FILE",
                        help="trace one page fault and write the page that explains it (default docs/one-fault.md)")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=N", help="an option of the model, for example remote=200")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--update-ratchet", action="store_true",
                        help="run what the ratchets hold and lower them to it; raises none")
    parser.add_argument("--mem", default="1G", metavar="M", help="memory, 512M or 2G (default 1G)")
    parser.add_argument("--append", default="", metavar="OPTIONS", help="further kernel options")
    parser.add_argument("--timeout", type=float, default=1800, metavar="S", help="seconds for each run (default 1800)")
    parser.add_argument("--dry-run", action="store_true", help="print the QEMU lines and run nothing")
    parser.add_argument("--no-build", action="store_true", help="use image and plugin that are there")


def run(options: argparse.Namespace) -> int:
    if options.update_ratchet:
        return _update_ratchets(options)
    if options.explain:
        return _explain(options)
    counts = _counts(options)
    image = project.image() if options.dry_run else build.require_image() if options.no_build else build.build_image()
    plugin = simulated_machine.plugin_file(options.plugin, may_build=not (options.no_build or options.dry_run))
    names = Names(symbols.load()) if _looks(options) and not options.dry_run else None
    runs: list[Run] = []
    for suite in options.suite or ["faults"]:
        for cpus in _FIXED_COUNTS.get(suite, counts):
            planned = _machine(options, image, plugin, suite, cpus, largest=cpus == max(counts) or suite in _FIXED_COUNTS)
            if options.dry_run:
                print(shlex.join(planned.command()))
            elif names:
                runs.append(run_and_look(planned, suite, options.timeout, names.images, _kept(options, suite)))
            else:
                runs.append(run_in_model(planned, suite, options.timeout, _kept(options, suite)))
    return _report(options, plugin, runs, names) if runs else ExitCode.OK


def _looks(options: argparse.Namespace) -> bool:
    """Whether code and objects have to be named."""
    return options.hot or options.profile or CONFLICTS in (options.suite or [])


def _update_ratchets(options: argparse.Namespace) -> int:
    """Lowers what is lower now. Fails if a figure is above what its ratchet allows: that is not this command's to mend."""
    image, plugin = build.build_image(), simulated_machine.plugin_file(options.plugin)
    held, rows = ratchets.load(), []
    for suite, cpus in ratchets.runs(held):
        wanted = ratchets.workload_filter([ratchet for ratchet in held if (ratchet.suite, ratchet.actors) == (suite, cpus)])
        more = (f"filter={wanted}",) if wanted else ()
        machine_in_model = SimulatedMachine(image, simulated_machine.accelerator(), cpus, options.mem,
                                            options=guest_options(suite, options.rounds, cpus, more), plugin=plugin)
        rows += run_in_model(machine_in_model, suite, options.timeout).measured()
    new, status = ratchets.lowered(held, rows), ExitCode.OK
    for old, now in zip(held, new):
        risen = old.verdict(rows)
        print(f"{old.name:55} {old.value:>10.3f} -> {now.value:>10.3f}" + (f"  has risen: {risen}" if risen else ""))
        status = ExitCode.FAILED if risen else status
    ratchets.store(new)
    return status


def _explain(options: argparse.Namespace) -> int:
    image, plugin = build.require_image() if options.no_build else build.build_image(), simulated_machine.plugin_file(
        options.plugin, may_build=not options.no_build)
    kernel = guest_options("faults", options.rounds, 1, (f"filter={explain.WORKLOAD}",))
    traced = SimulatedMachine(image, simulated_machine.accelerator(), 1, options.mem, options=kernel, plugin=plugin,
                              model_options=[f"trace={explain.WHICH}"])
    names = Names(symbols.load())
    done = run_and_look(traced, "faults", options.timeout, names.images)
    try:
        text = explain.page(done, names)
    except ValueError as error:
        raise ShoalError(f"no page: {error}", "see that the plugin is this tree's", ExitCode.FAILED) from None
    (project.ROOT / options.explain).write_text(text)
    say(f"written: {options.explain}")
    return ExitCode.OK


def _counts(options: argparse.Namespace) -> list[int]:
    counts = cpu_list.parse_cpu_list(options.cpus)
    if max(counts) > simulated_machine.MAX_CPUS:
        raise ShoalError(f"the timing model has at most {simulated_machine.MAX_CPUS} CPUs", "leave out the larger counts", ExitCode.USAGE)
    if options.rounds < 1:
        raise ShoalError("--rounds counts from 1", "leave it out for 4", ExitCode.USAGE)
    machine.check_memory(options.mem)
    return counts


def _machine(options: argparse.Namespace, image: Path, plugin: Path, suite: str, cpus: int, largest: bool) -> SimulatedMachine:
    more = (f"filter={options.filter}",) if options.filter else ()
    if suite == CONFLICTS:
        kernel = conflicts.guest_options(options.filter)
    else:
        kernel = guest_options(suite, options.rounds, 1 if largest else cpus, more)
    kernel += options.append.split()
    wishes = [*options.model, *(["hot=1"] if options.hot else []), *(["prof=1"] if options.profile else []),
              *(["conflicts=1"] if suite == CONFLICTS else [])]
    return SimulatedMachine(image, simulated_machine.accelerator(), cpus, options.mem, options=kernel, plugin=plugin,
                            model_options=wishes)


def _kept(options: argparse.Namespace, suite: str) -> Path | None:
    if not options.keep:
        return None
    folder = Path(options.keep)
    return folder / suite if len(options.suite or []) > 1 else folder


def _report(options: argparse.Namespace, plugin: Path, runs: list[Run], names: Names | None) -> int:
    print(f"timing model: {plugin.name}{''.join(f', {wish}' for wish in options.model)}; rounds {options.rounds}; "
          f"host: {host_facts.processor()}, {host_facts.host_cores()} cores")
    timed = [each for each in runs if each.suite not in _FIXED_COUNTS]
    if timed:
        _report_timed(options, plugin, timed)
    if options.hot and names:
        report.print_hot(timed, names)
    if options.profile and names:
        report.print_profile(timed, names)
    status = ExitCode.OK
    for each in runs:
        if each.suite == CONFLICTS and names:
            status = _report_conflicts(each, names)
        elif each.suite == guest_suites.WAITS:
            print(f"\n{waits.table(waits.found(each))}")
    return status


def _report_timed(options: argparse.Namespace, plugin: Path, runs: list[Run]) -> None:
    rows, others = [row for each in runs for row in each.measured()], baselines.load()
    print("These are the model's cycles: they compare designs under one rule and are no machine's.\n")
    print(table.table(rows, others))
    print(f"\n{table.LEGEND}\n{table.sources(rows, others)}")
    if options.json:
        Path(options.json).write_text(json.dumps(_document(options, plugin, rows), indent=2) + "\n")
        say(f"figures written to {options.json}")


def _report_conflicts(done: Run, names: Names) -> int:
    results, permitted = conflicts.found(done, names), conflicts.allowed()
    print("\nlines that both CPUs touched, at least one writing, by pair of operations and by how close they work\n")
    print(conflicts.table(results))
    print(conflicts.details(results, permitted))
    left = conflicts.forbidden(results, permitted)
    print(f"\n{sum(map(len, results.values()))} lines, {len(left)} of them not allowed")
    return ExitCode.FAILED if left else ExitCode.OK


def _document(options: argparse.Namespace, plugin: Path, rows: list[Measured]) -> dict:
    figures = [{"workload": row.workload, "cpus": row.cpus, "actors": row.actors, "cycles": row.cycles,
                "cycles_low": row.cycles_low, "cycles_high": row.cycles_high, "efficiency": table.efficiency(row, rows), **row.counts,
                "deferred_pages_and_objects": row.deferred}
               for row in table.ordered(rows)]
    return {"context": {"obtained": "timing model", "plugin": plugin.name, "model_options": options.model, "rounds": options.rounds,
                        "memory": options.mem, "kernel_options": options.append, "host_cores": host_facts.host_cores()},
            "figures": figures}
