"""Programs of the image that test the running system, and the programs that show it off."""
from shoal import guest_suites
from shoal.guest import Ending, Outcome
from shoal.testing.boot_case import BootCase, Check, ImageFacts, says

# Program -> CPU counts of a run, seconds, arguments.
_PROGRAMS = {
    "hello": ((1, 4), 60, ""),
    "selftest": ((1, 2, 4, 8), 240, ""),
    "machine": ((1, 4), 120, ""),
    "driver": ((1, 4), 60, ""),
    "fileserver": ((1, 4), 60, ""),
    "updater": ((1, 4), 60, ""),
    "watcher": ((1, 4), 120, ""),
    "spawner": ((1, 4), 900, "count=2000"),
    "hostile": ((4,), 1500, "seed={seed}{fewer}"),
}
_ROLES = {"driver": "driver", "fileserver": "fileserver", "updater": "manager", "watcher": "manager"}
_STRESS = ("spawner", "hostile")
_SUITES = (*guest_suites.MEASURED, "sample")


def cases(facts: ImageFacts) -> list[BootCase]:
    offered = []
    for program, (counts, timeout, arguments) in _PROGRAMS.items():
        for debug in (False, True):
            fewer = ",count=250000" if debug else ""  # debug images are slower: a million is for the others
            for cpus in counts:
                offered.append(BootCase(f"programs/{program}-{'debug' if debug else 'release'}-{cpus}",
                                        _options(program, arguments.format(seed=facts.seed, fewer=fewer)), cpus, debug=debug,
                                        timeout=timeout, program=program, only_full=debug and cpus not in (2, 4),
                                        group="stress" if program in _STRESS else "boot"))
    # Far returns: TCG reads their stack with the kernel's rights. Where SMAP does not refuse that, other checks have to.
    offered.append(BootCase("programs/machine-nosmap", [*_options("machine", ""), "nosmap"], cpus=4, timeout=120,
                            program="machine"))
    offered.append(BootCase("programs/machine-nofsgsbase", [*_options("machine", "nofsgsbase"), "nofsgsbase"], cpus=1, timeout=120,
                            program="machine", check=says(" -fsgsbase")))
    # No frame, slab object or slot is lost in a hundred thousand lives.
    offered.append(BootCase("programs/spawner-100000", _options("spawner", "count=100000"), cpus=4, timeout=1800,
                            program="spawner", only_full=True, group="stress"))
    for when, text in (("early", "before it was ready"), ("late", "in the measurement")):
        offered.append(BootCase(f"programs/quitter-{when}", _options("quitter", f"rounds=1,filter={when}"), cpus=2, timeout=60, program="quitter",
                                check=_fails_saying(f"suite quitter: {when}: actor 1 of 2 has ended with status 3 {text}")))
    for suite in _SUITES:
        for cpus in (2, 4):
            offered.append(BootCase(f"programs/{suite}-release-{cpus}", guest_suites.boot_options(suite, []), cpus, timeout=300,
                                    program=guest_suites.program(suite)))
    return offered


def _fails_saying(line: str) -> Check:
    """The program ends by itself, with status 1, and has said why."""
    def check(outcome: Outcome) -> str:
        if outcome.ending is not Ending.FINISHED or outcome.status != 1:
            return outcome.describe()
        return "" if any(line in said for said in outcome.lines) else f"no line says '{line}'"
    return check


def _options(program: str, arguments: str) -> list[str]:
    role = [f"rs.role={_ROLES[program]}"] if program in _ROLES else []
    return [f"rs.program={program}", *role] + ([f"rs.args={arguments}"] if arguments else [])
