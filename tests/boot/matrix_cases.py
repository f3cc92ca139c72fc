"""The same image on every number of CPUs, under BIOS and UEFI, release and debug: it boots and finishes the page-fault suite."""
from shoal import figures, serial_log
from shoal.guest import Outcome
from shoal.testing.boot_case import BootCase, ImageFacts, ends_well

CPU_COUNTS = (1, 2, 3, 4, 8, 16)
# The debug image's boots in a run without --full: (UEFI, CPUs). It differs from release in assertions, not in firmware.
_DEBUG_ALWAYS = ((False, 1), (False, 4), (True, 4))
# Every workload with every number of actors, once: this is about coming up and finishing; figures are for `./shoal bench`.
_ONCE = "rs.args=rounds=1,repeats=1"


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("faults"):
        return []
    offered = []
    for debug in (False, True):
        for uefi in (False, True):
            for cpus in CPU_COUNTS:
                offered.append(BootCase(
                    f"matrix/{'debug' if debug else 'release'}-{'uefi' if uefi else 'bios'}-{cpus}",
                    ["bench=faults", _ONCE], cpus, uefi=uefi, debug=debug, program="faults", timeout=120 + 30 * cpus,
                    check=lambda outcome, cpus=cpus: finished_suite(outcome, cpus),
                    only_full=debug and (uefi, cpus) not in _DEBUG_ALWAYS))
    return offered


def finished_suite(outcome: Outcome, cpus: int) -> str:
    """The run ended well and gave figures for as many threads as the machine has CPUs."""
    reason = ends_well(outcome)
    if reason:
        return reason
    try:
        documents = serial_log.benchmark_documents(outcome.lines)
    except ValueError as error:
        return str(error)
    found = [figure for document in documents for figure in figures.figures(document, cpus)]
    if not any(figure.actors == cpus for figure in found):
        return f"no figure for {cpus} actors: did {cpus} CPUs start?"
    return "" if all(figure.per_second > 0 for figure in found) else "a figure is zero"
