"""Runs one suite on one machine in the model."""
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .. import failure, guest_suites
from ..commands import common
from ..errors import ShoalError
from ..guest import Outcome
from . import memory_map, symbols, traces
from .measurements import Measured, measurements
from .simulated_machine import SimulatedMachine


@dataclass(frozen=True)
class Run:
    """What a guest printed on its console and the model on its own channel."""

    suite: str
    cpus: int
    console: list[str]
    model: str
    objects: dict[int, str] = field(default_factory=dict)  # by physical address, where memory was looked at

    def measured(self) -> list[Measured]:
        return measurements(self.console, self.model, self.cpus)

    def keep(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"cpus-{self.cpus}.serial").write_text("\n".join(self.console) + "\n")
        (folder / f"cpus-{self.cpus}.sim").write_text(self.model)


def guest_options(suite: str, rounds: int, fewest_actors: int, more: tuple[str, ...] = ()) -> list[str]:
    """Kernel options that start a suite; it measures `fewest_actors` and more."""
    words = [f"rounds={rounds}", *([f"from={fewest_actors}"] if fewest_actors > 1 else []), *more]
    return guest_suites.boot_options(suite, words)


def run(machine: SimulatedMachine, suite: str, timeout: float, keep: Path | None = None) -> Run:
    """To the end, with progress. Raises ShoalError, with the console kept, if the guest does not end well."""
    outcome: Outcome = common.run_one(machine, f"suite {suite} in the timing model", timeout, show_console=False)
    done = Run(suite, machine.cpus, outcome.lines, outcome.complaint)
    if keep:
        done.keep(keep)
    if outcome.exit_code:
        log = failure.keep_log(outcome, f"sim-{suite}-{machine.cpus}")
        raise ShoalError(f"suite {suite} at {machine.cpus} CPUs: {outcome.describe()}",
                         f"read {log}; a slow host needs --timeout", outcome.exit_code)
    return done


def run_and_look(machine: SimulatedMachine, suite: str, timeout: float, images: symbols.Images, keep: Path | None = None) -> Run:
    """As run(), and names what lies at the addresses that the model's watchers speak of."""
    with tempfile.TemporaryDirectory(prefix="shoal-sim-") as folder:
        machine.memory_file = Path(folder) / "memory"
        done = run(machine, suite, timeout, keep)
        done.objects.update(memory_map.names(machine.memory_file, traces.physical_addresses(done.model), images))
    return done
