"""collect: reads benchmark figures back from a console log."""
import argparse
import json
from pathlib import Path

from .. import serial_log
from ..errors import ExitCode, ShoalError
from ..progress import say
from . import suite

HELP = "read the figures back from the console log of a run, for example a server's"
DESCRIPTION = """Reads the Google Benchmark documents that a run printed on its console between markers, and writes them as one
JSON file. For machines whose serial port is logged by something else than this command."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", metavar="LOG", help="the console log")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write (default: standard output)")


def run(options: argparse.Namespace) -> int:
    try:
        text = Path(options.log).read_text(errors="replace")
    except OSError as error:
        raise ShoalError(f"cannot read {options.log}: {error.strerror}", "name the file that holds the console's output",
                         ExitCode.USAGE) from None
    lines = [serial_log.clean(line) for line in text.splitlines()]
    try:
        documents = serial_log.benchmark_documents(lines)
    except ValueError as error:
        raise ShoalError(f"{options.log}: {error}", "log the whole run, with no lines lost", ExitCode.FAILED) from None
    if not documents:
        raise ShoalError(f"{options.log} holds no figures (no line '{serial_log.JSON_BEGIN}')",
                         "boot with bench=faults (or pipeline, ipc) and log the whole run", ExitCode.FAILED)
    document = suite.merge(documents)
    document["context"].setdefault("accelerator", "not known from the log")
    document["context"]["guest_system"] = serial_log.system_line(lines)
    output = json.dumps(document, indent=2) + "\n"
    if options.output:
        Path(options.output).write_text(output)
        say(f"{len(document['benchmarks'])} figures written to {options.output}")
    else:
        print(output, end="")
    return ExitCode.OK
