"""Options that several subcommands share, and what follows from them."""
import argparse
import shlex

from .. import accelerator, build, cpu_list, machine, project
from ..errors import ExitCode, ShoalError
from ..guest import Guest, Outcome
from ..machine import Machine
from ..progress import Progress, say


def add_machine_arguments(parser: argparse.ArgumentParser, cpus: str) -> None:
    """What decides over the virtual machine."""
    parser.add_argument("--cpus", default=cpus, metavar="LIST", help=f"CPU counts, one run each: 1,2,4 or 1-4 (default {cpus})")
    parser.add_argument("--mem", default="1G", metavar="M", help="memory, 512M or 2G (default 1G)")
    parser.add_argument("--accel", choices=("auto", "kvm", "tcg"), default="auto",
                        help="auto (default): KVM if a probe shows that it runs guests here, else multi-threaded TCG")
    parser.add_argument("--uefi", action="store_true", help="UEFI firmware instead of BIOS")
    parser.add_argument("--append", default="", metavar="OPTIONS", help="further kernel options, for example 'ipc=trap log=debug'")
    parser.add_argument("--timeout", type=float, default=300, metavar="S", help="seconds for each run (default 300); then status 124")
    parser.add_argument("--gdb", nargs="?", type=int, const=0, metavar="PORT",
                        help="wait for gdb before the first instruction; the port is free and printed unless given")
    parser.add_argument("--dry-run", action="store_true", help="print the QEMU line and run nothing")
    parser.add_argument("--debug", action="store_true", help="the debug image (assertions, lock ranks checked)")
    parser.add_argument("--no-build", action="store_true", help="use the image that is there")


def image_for(options: argparse.Namespace):
    """The image that the options ask for; built unless --no-build or --dry-run."""
    if options.dry_run:
        return project.image(options.debug)
    return build.require_image(options.debug) if options.no_build else build.build_image(options.debug)


def machines(options: argparse.Namespace, kernel_options: list[str]) -> list[Machine]:
    """One machine for each CPU count. Everything that can be wrong with the options is found here, before any build."""
    counts = cpu_list.parse_cpu_list(options.cpus)
    _check_numbers(options)
    memory = machine.check_memory(options.mem)
    if not options.dry_run and not options.no_build:
        build.ensure_tools()
    chosen = accelerator.choose(options.accel)
    port = None if options.gdb is None else options.gdb or machine.free_port()
    image = image_for(options)
    return [Machine(image, chosen, count, memory, options.uefi, kernel_options + options.append.split(), port)
            for count in counts]


def _check_numbers(options: argparse.Namespace) -> None:
    if not options.timeout > 0:
        raise ShoalError(f"--timeout {options.timeout:g} is no time to wait", "give it seconds, more than 0", ExitCode.USAGE)
    if options.gdb is not None and not 0 <= options.gdb <= machine.HIGHEST_PORT:
        raise ShoalError(f"--gdb {options.gdb} is no TCP port", f"give one up to {machine.HIGHEST_PORT}, or none for a free one",
                         ExitCode.USAGE)


def print_dry(planned: list[Machine]) -> int:
    for guest_machine in planned:
        print(shlex.join(guest_machine.command()))
    return 0


def run_one(guest_machine: Machine, what: str, timeout: float, show_console: bool) -> Outcome:
    """Runs one guest with progress, or with its console on standard output."""
    title = f"{what}, {guest_machine.cpus} CPU{'s' if guest_machine.cpus > 1 else ''}, {guest_machine.accelerator.name}"
    if guest_machine.gdb_port:
        say(f"waiting for gdb: gdb -ex 'target remote 127.0.0.1:{guest_machine.gdb_port}' (docs/debugging.md)")
        timeout = max(timeout, 24 * 3600)
    if show_console:
        return Guest(guest_machine, timeout, on_line=lambda line: print(line, flush=True)).run()
    with Progress(title) as progress:
        return Guest(guest_machine, timeout, on_line=lambda line: line.strip() and progress.update(line.strip())).run()
