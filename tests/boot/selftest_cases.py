"""What the kernel tries out on itself at boot (kernel/smp/selftest): CPUs among themselves, a CPU that comes late, a stack that
overflows."""
from shoal.guest import Ending, Outcome
from shoal.testing.boot_case import BootCase, ImageFacts, says

_CPUS = 4


def cases(facts: ImageFacts) -> list[BootCase]:
    program = next((name for name in ("hello", "selftest") if facts.has(name)), None)
    if not program:
        return []
    start = [f"rs.program={program}"]
    offered = [BootCase(f"selftest/machine-{cpus}", [*start, "selftest"], cpus, program=program, timeout=240,
                        check=says(f"selftest: {cpus} CPUs: "), only_full=cpus > 4) for cpus in (1, 2, 4, 16)]
    offered.append(BootCase("selftest/late-cpu", [*start, "selftest=late-cpu"], _CPUS, program=program, timeout=120,
                            check=says("does not answer and is left out", f"cpus: {_CPUS - 1},",
                                       "the CPU that came late has halted")))
    offered.append(BootCase("selftest/stack", [*start, "selftest=stack"], _CPUS, program=program, timeout=60,
                            check=names_guard_page))
    return offered


def names_guard_page(outcome: Outcome) -> str:
    """A panic of the last CPU, with the page below its stack, and every CPU's backtrace."""
    if outcome.ending is not Ending.PANIC:
        return f"expected a panic: {outcome.describe()}"
    words = f"PANIC: CPU {_CPUS - 1}: kernel stack overflow: guard page touched at ffffffffc0004"
    if not any(words in line for line in outcome.lines):
        return f"no line says '{words}'"
    return "a CPU did not answer" if any("does not answer" in line for line in outcome.lines) else ""
