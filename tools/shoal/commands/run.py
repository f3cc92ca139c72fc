"""run: boots Shoal in QEMU with one program, or with the page-fault suite."""
import argparse

from .. import failure, project
from ..errors import ExitCode, ShoalError
from ..guest import Ending
from ..progress import say
from . import common, suite

HELP = "boot in QEMU: the page-fault suite and its table, or -- PROGRAM ARGS..."
DESCRIPTION = """Boots Shoal in QEMU. Without a program: the page-fault suite at each CPU count, then one table.
With `-- PROGRAM ARGS...`: that program of the image, its console on standard output, and its status as exit code
(124 time-out, 70 panic)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_machine_arguments(parser, cpus="1,2,4")
    parser.add_argument("--json", metavar="FILE", help="write the suite's figures as a Google Benchmark document")
    parser.add_argument("program", nargs="*", metavar="-- PROGRAM ARGS", help="a program of the image and its arguments")


def run(options: argparse.Namespace) -> int:
    if not options.program:
        return suite.run_suites(options, ["faults"], options.json)
    return _run_program(options)


def program_options(program: list[str]) -> list[str]:
    """The kernel options that make RS start a program with arguments."""
    for word in program:
        if " " in word or "," in word or '"' in word:
            raise ShoalError(f"the argument '{word}' holds a blank, comma or quote",
                             "kernel options cannot carry these; use another spelling", ExitCode.USAGE)
    name, *arguments = program
    return [f"rs.program={name}"] + ([f"rs.args={','.join(arguments)}"] if arguments else [])


def _run_program(options: argparse.Namespace) -> int:
    planned = common.machines(options, program_options(options.program))
    if options.dry_run:
        return common.print_dry(planned)
    known = project.programs(options.debug)
    if known and options.program[0] not in known:
        raise ShoalError(f"no program '{options.program[0]}' in the image", "it has: " + ", ".join(known), ExitCode.USAGE)
    worst = 0
    for machine in planned:
        outcome = common.run_one(machine, options.program[0], options.timeout, show_console=True)
        say(f"{options.program[0]} at {machine.cpus} CPU{'s' if machine.cpus > 1 else ''} ({machine.accelerator.name}): {outcome.describe()}")
        if outcome.exit_code and not worst:
            worst = outcome.exit_code
        if outcome.ending is not Ending.FINISHED:
            say(f"  log: {failure.keep_log(outcome, f'{options.program[0]}-{machine.cpus}')}")
        failure.advise(outcome)
    return worst
