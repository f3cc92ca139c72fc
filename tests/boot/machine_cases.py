"""Machines of other shapes: little and much memory, holes, CPUs with gaps between their APIC ids, older CPUs, many CPUs, a machine
without HPET."""
import re
from collections.abc import Callable

from shoal.guest import Outcome
from shoal.testing.boot_case import BootCase, ImageFacts, ends_well, says

_USABLE = re.compile(r"memory: (\d+) MiB usable")
_FREE_BEFORE = re.compile(r"exhaust: \d+ processes, \d+ threads, (\d+) pages free")
_PAGES_OF_4_GIB = (4 << 30) // 4096

# --mem -> what the kernel has to find of it [MiB]. q35 puts the hole below 4 GiB at 2 GiB: 3G and 5G have memory above it.
_MEMORY = {"16M": 14, "64M": 62, "3G": 3070, "5G": 5118}
# -smp with APIC ids that are not dense: the ids of a socket's cores take a power of two.
_GAPS = {"2-sockets-of-3": (6, "6,sockets=2,cores=3"), "2x4x2": (16, "16,sockets=2,cores=4,threads=2")}
# Models without SMEP, SMAP, UMIP, XSAVE, RDTSCP and pages of 1 GiB.
_OLD_CPUS = ("qemu64", "Nehalem")


def cases(facts: ImageFacts) -> list[BootCase]:
    if not (facts.has("hello") and facts.has("selftest")):
        return []
    hello, selftest = ["rs.program=hello"], ["rs.program=selftest", "selftest"]
    offered = [BootCase(f"machine/memory-{memory}", hello, memory=memory, program="hello", timeout=90, check=_finds(wanted))
               for memory, wanted in _MEMORY.items()]
    offered += [BootCase(f"machine/apic-ids-{name}", selftest, cpus=cpus, program="selftest", timeout=60 + 30 * cpus,
                         extra=["-smp", shape], check=_runs(cpus)) for name, (cpus, shape) in _GAPS.items()]
    offered += [BootCase(f"machine/cpu-{model}", selftest, program="selftest", extra=["-cpu", model], check=_lacks_features)
                for model in _OLD_CPUS]
    offered += [BootCase(f"machine/{cpus}-cpus", hello, cpus=cpus, memory="2G", program="hello", timeout=30 * cpus,
                         check=_runs(cpus), only_full=True) for cpus in (32, 64, 255)]
    # More than the host has: QEMU takes what the guest touches. Other CPUs start in tables below 4 GiB.
    offered.append(BootCase("machine/memory-96G", hello, cpus=4, memory="96G", program="hello", timeout=600, check=_finds(98300),
                            extra=["-object", "memory-backend-ram,id=ram,size=96G,reserve=off", "-machine", "memory-backend=ram"],
                            only_full=True))
    offered.append(BootCase("machine/no-hpet", selftest, program="selftest", extra=["-machine", "hpet=off"],
                            check=says("HPET: no", "by ACPI PM timer")))
    offered.append(BootCase("machine/pc", hello, program="hello", extra=["-machine", "pc"]))
    offered.append(BootCase("machine/memory-5G-used", ["rs.program=exhaust", "rs.args=processes=2,rounds=1,only=1"], memory="5G",
                            program="exhaust", timeout=1200, check=_takes_memory_above_4_gib, only_full=True, group="stress"))
    return offered


def _finds(least: int) -> Callable[[Outcome], str]:
    def check(outcome: Outcome) -> str:
        found = next((int(match[1]) for match in map(_USABLE.search, outcome.lines) if match), 0)
        return ends_well(outcome) or ("" if found >= least else f"found {found} MiB of memory, expected {least} at least")
    return check


def _runs(cpus: int) -> Callable[[Outcome], str]:
    return says(f"cpus: {cpus}, xAPIC")


def _lacks_features(outcome: Outcome) -> str:
    """It is an older CPU indeed, and that is no obstacle."""
    line = next((line for line in outcome.lines if "features:" in line), "")
    return ends_well(outcome) or ("" if line.endswith("features: machine-check") else f"it has other features: {line}")


def _takes_memory_above_4_gib(outcome: Outcome) -> str:
    """All memory was taken and came back, of which more than 4 GiB was free."""
    free = next((int(match[1]) for match in map(_FREE_BEFORE.search, outcome.lines) if match), 0)
    return ends_well(outcome) or ("" if free > _PAGES_OF_4_GIB else f"only {free} pages were free")
