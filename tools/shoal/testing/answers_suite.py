"""Whether the host tests that have run have had each error from each VM call that the call's manual page names.

The harness of VM's tests (tests/support/vm/answers.hpp) writes down what calls have answered, and ends the test where the page lacks an error."""
import tomllib

from .. import project
from .reporter import Reporter, Result
from .settings import Settings

_TABLE = project.ROOT / "abi" / "vm_calls.toml"
_NEEDED = "the tests of the groups unit and model have to run first, whole"


def begin() -> None:
    """A run of all of the tests: what earlier ones have seen does not count."""
    project.ANSWERS.unlink(missing_ok=True)


class AnswersSuite:
    """One case for each call; their names are model/answers/CALL."""

    group, prefix = "model", "model/answers/"

    def __str__(self) -> str:
        return "model/answers"

    def prepare(self) -> None:
        pass

    def cases(self) -> list[str]:
        return [f"{self.prefix}{call}" for call in _named()]

    def run(self, reporter: Reporter, settings: Settings) -> None:
        if not project.ANSWERS.exists():
            return reporter.missing(str(self), _NEEDED)
        answered = set(project.ANSWERS.read_text().splitlines())
        for call, errors in _named().items():
            name = f"{self.prefix}{call}"
            if settings.wants(name):
                never = missing(call, errors, answered)
                reason = f"no test has had {', '.join(never)} from {call} (abi/vm_calls.toml); {_NEEDED}" if never else ""
                reporter.add(Result(name, not never, reason=reason, reproduce="./shoal test unit model"))


def missing(call: str, errors: list[str], answered: set[str]) -> list[str]:
    """What of a call's errors is in none of the lines `call Error`."""
    return [error for error in errors if f"{call} {error}" not in answered]


def _named() -> dict[str, list[str]]:
    return {call["name"]: call["errors"] for call in tomllib.loads(_TABLE.read_text())["call"] if call["errors"]}
