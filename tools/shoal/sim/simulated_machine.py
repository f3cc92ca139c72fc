"""A QEMU machine whose virtual CPUs run in simulated time."""
from dataclasses import dataclass, field
from pathlib import Path

from .. import build, project
from ..accelerator import Accelerator
from ..errors import ExitCode, ShoalError
from ..machine import Machine

_PRESET, _TARGET = "release", "shoal_sim"
# What the model needs beside the guest's memory: firmware and devices have addresses behind it.
_BESIDE_MEMORY = 1024
MAX_CPUS = 64  # a bit a core in the model's directory of lines


def built_plugin() -> Path:
    return project.BUILD / _PRESET / "bench" / "sim" / f"{_TARGET}.so"


def build_plugin() -> Path:
    build.build(_PRESET, _TARGET)
    return built_plugin()


def plugin_file(given: str | None, may_build: bool = True) -> Path:
    """The plugin to load: another build if one is given, else this tree's."""
    if given is None:
        return build_plugin() if may_build else built_plugin()
    path = Path(given).resolve()
    if not path.is_file():
        raise ShoalError(f"no plugin: {given} is not a file", "name a shared library built for QEMU 7.2", ExitCode.USAGE)
    return path


@dataclass
class SimulatedMachine(Machine):
    """As Machine, with the model loaded twice: as a plugin, and before the C library, for the guest's timers."""

    plugin: Path = field(default_factory=built_plugin)
    model_options: list[str] = field(default_factory=list)
    memory_file: Path | None = None  # where the guest's memory is to be found when the run is over

    def command(self, folder: Path | None = None) -> list[str]:
        memory = _mebibytes(self.memory) + _BESIDE_MEMORY
        words = ",".join([str(self.plugin), f"mem={memory}", *self.model_options])
        line = ["env", f"LD_PRELOAD={self.plugin}", *super().command(folder), "-plugin", words]
        if self.memory_file:
            line += ["-object", f"memory-backend-file,id=memory,size={self.memory},mem-path={self.memory_file},share=on",
                     "-machine", "memory-backend=memory"]
        return line


def accelerator() -> Accelerator:
    """Plugins see translated code only."""
    return Accelerator("tcg", "the timing model watches translated code")


def _mebibytes(memory: str) -> int:
    return int(memory[:-1]) * (1024 if memory.endswith("G") else 1)
