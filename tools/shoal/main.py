"""The command line: subcommands, their options, and the exit code."""
import argparse
import difflib
import signal
import sys

from .commands import bench, collect, doctor, iso, later, run, setup, sim, test
from .errors import ExitCode, ShoalError

COMMANDS = {"run": run, "bench": bench, "test": test, "iso": iso, "collect": collect, "setup": setup, "doctor": doctor,
            "sim": sim, "compare": later.COMPARE}

EPILOG = """exit codes: the program's own (run -- PROGRAM); 0 fine, 1 a test or build failed, 2 unknown option or argument,
69 something is missing on this machine, 70 the guest panicked, 124 time-out. ./shoal COMMAND --help says more."""


class _Parser(argparse.ArgumentParser):
    """Reports mistakes the way the rest of the command does."""

    def error(self, message: str):
        raise ShoalError(message, f"{self.prog} --help", ExitCode.USAGE)


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="./shoal", description="Builds, boots, measures and tests Shoal.", epilog=EPILOG,
                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, module in COMMANDS.items():
        sub = commands.add_parser(name, help=module.HELP, description=module.DESCRIPTION, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(sub)
    return parser


def _interrupt(_number, _frame) -> None:
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Runs the command line; never lets a Python trace out for something that a person can mend."""
    signal.signal(signal.SIGTERM, _interrupt)  # as Ctrl-C: guests and compilers are ended, temporary folders go
    try:
        if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
            close = difflib.get_close_matches(arguments[0], COMMANDS, 1)
            raise ShoalError(f"unknown command '{arguments[0]}'" + (f"; did you mean '{close[0]}'?" if close else ""),
                             "./shoal --help lists the commands", ExitCode.USAGE)
        parser = build_parser()
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            raise ShoalError(f"unknown option: {' '.join(unknown)}", f"./shoal {options.command or ''} --help".replace("  ", " "),
                             ExitCode.USAGE)
        if not options.command:
            parser.print_help()
            return ExitCode.USAGE
        return int(COMMANDS[options.command].run(options))
    except ShoalError as error:
        print(error, file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print("\nshoal: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return ExitCode.FAILED
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        print(ShoalError(f"{name}{error.strerror or error}", "see that the folder is there, may be written and has room"),
              file=sys.stderr)
        return ExitCode.UNAVAILABLE
