"""Programs take all memory, slots, regions and quota, and all comes back; a machine with too little says so."""
from shoal.guest import Ending, Outcome
from shoal.testing.boot_case import BootCase, ImageFacts

_EXHAUST = ["rs.program=exhaust"]
_EXHAUST_MEMORY = [*_EXHAUST, "rs.args=only=1"]


def cases(facts: ImageFacts) -> list[BootCase]:
    del facts
    # Rounds at least: it makes more where the first ones leave less than there was, since caches grow.
    offered = [BootCase(f"memory/exhaust-{'debug' if debug else 'release'}", [*_EXHAUST, f"rs.args=rounds={1 if debug else 2}"], cpus=4,
                        memory="128M", debug=debug, timeout=600, program="exhaust", group="stress") for debug in (False, True)]
    for cpus in (1, 2, 4):
        offered.append(BootCase(f"memory/64M-hello-{cpus}", ["rs.program=hello"], cpus, memory="64M", timeout=60,
                                program="hello"))
        offered.append(BootCase(f"memory/64M-exhaust-{cpus}", _EXHAUST_MEMORY, cpus, memory="64M", timeout=120,
                                program="exhaust"))
    offered.append(BootCase("memory/too-little", ["rs.program=hello"], 2, memory="6M", timeout=60, program="hello",
                            check=_says_that_memory_is_out))
    offered.append(BootCase("memory/too-little-for-64-cpus", ["rs.program=hello"], 64, memory="16M", timeout=120, program="hello",
                            check=_says_what_the_cpus_need))
    return offered


def _says_that_memory_is_out(outcome: Outcome) -> str:
    if outcome.ending is not Ending.PANIC:
        return f"expected a panic: {outcome.describe()}"
    said = any("PANIC: out of memory at boot" in line for line in outcome.lines)
    return "" if said else "the panic does not name memory"


def _says_what_the_cpus_need(outcome: Outcome) -> str:
    if outcome.ending is not Ending.PANIC:
        return f"expected a panic: {outcome.describe()}"
    said = any("PANIC: out of memory at boot: 64 CPUs need at least" in line for line in outcome.lines)
    return "" if said else "the panic does not name CPUs and memory"
