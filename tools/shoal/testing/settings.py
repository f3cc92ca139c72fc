"""What the command line says about a test run."""
import os
import re
import secrets
from dataclasses import dataclass, field

from .. import project
from ..errors import ExitCode, ShoalError


@dataclass(frozen=True)
class Settings:
    """`seed` reaches host tests as SHOAL_SEED (and `full` as SHOAL_FULL) and guests as a kernel option; it is printed with every failure."""

    seed: int
    filter: re.Pattern | None = None
    repeat: int = 1
    full: bool = False
    jobs: int = field(default_factory=lambda: max(1, len(os.sched_getaffinity(0))))
    accelerator: str = "auto"
    timeout: float = 600
    operations: int | None = None  # of the long model run
    reference_plugin: str | None = None  # another build of the timing model

    def wants(self, name: str) -> bool:
        return self.filter is None or bool(self.filter.search(name))

    def might_want(self, prefix: str) -> bool:
        """False only if no name that starts with `prefix` can match, so that what it needs is not even built."""
        literal = re.match(r"\^([\w/]*)", self.filter.pattern) if self.filter else None
        return literal is None or literal[1].startswith(prefix) or prefix.startswith(literal[1])

    def reproduce(self, group: str, name: str) -> str:
        operations = f" --ops {self.operations}" if self.operations else ""
        return f"./shoal test {group} --seed {self.seed}{operations} --filter '^{re.escape(name)}$'"

    def environment(self) -> dict[str, str]:
        chosen = {"SHOAL_SEED": str(self.seed), "SHOAL_ANSWERS": str(project.ANSWERS), "SHOAL_FULL": "1" if self.full else None,
                  "SHOAL_MODEL_OPERATIONS": str(self.operations) if self.operations else None}
        return os.environ | {name: value for name, value in chosen.items() if value is not None}


def new_seed() -> int:
    return secrets.randbits(31)


def compile_filter(text: str | None) -> re.Pattern | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise ShoalError(f"--filter {text} is not a regular expression: {error}",
                         "./shoal test --list shows the names it is searched in", ExitCode.USAGE) from None
