"""Every option of the boot line: the system boots with it, its tests still pass, and it has its effect."""
from pathlib import Path

from shoal.guest import Outcome
from shoal.testing.boot_case import BootCase, Check, ImageFacts, ends_well, says

_CPUS = 4
# An interrupt 80h of user code in QEMU's log of interrupts: vector and CPL.
_TRAP_OF_A_PROGRAM = (" v=80 ", " cpl=3 ")
_ALL_OFF = ["nox2apic", "nopcid", "notscdeadline", "nosmap", "noxsave", "nofsgsbase"]


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("selftest"):
        return []
    start = ["rs.program=selftest"]
    offered = [BootCase(f"options/{option}", [*start, option], _CPUS, program="selftest", timeout=240, check=check)
               for option, check in _effects().items()]
    offered.append(BootCase("options/all-off", [*start, *_ALL_OFF], _CPUS, program="selftest", timeout=240,
                            check=says(" -smap", " -xsave", "xAPIC")))
    offered.append(BootCase("options/nonsense", [*start, "clock=sundial", "maxcpus=0", "log=debug"], _CPUS, program="selftest",
                            timeout=240, check=says("boot option not understood: clock=sundial",
                                                     "boot option not understood: maxcpus=0", f"cpus: {_CPUS}")))
    offered.append(BootCase("options/vm.trace=calls", ["rs.program=updater", "rs.role=manager", "vm.trace=calls"], _CPUS, program="updater", timeout=240,
                            check=says(": rs_update(", ": mmap(", ": munmap(", " has success", " has resource busy")))
    offered.append(BootCase("options/ipc=trap", [*start, "ipc=trap", "end=wait"], cpus=2, program="selftest", timeout=240,
                            extra=["-d", "int", "-D", "{folder}/interrupts"], at_tick=_programs_trapped, check=_was_trapped))
    return offered


def _effects() -> dict[str, Check]:
    """Options whose effect the console tells. Under TCG there is no x2APIC, PCID and TSC deadline to leave out: see bochs_cases."""
    return {
        "nox2apic": says("xAPIC"), "nopcid": ends_well, "notscdeadline": ends_well,
        "nosmap": says(" -smap"), "noxsave": says(" -xsave"), "nofsgsbase": says(" -fsgsbase"),
        "clock=tsc": says("clock: TSC"), "clock=hpet": says("clock: HPET"), "clock=pm": says("clock: ACPI PM timer"),
        "maxcpus=2": says("cpus: 2,"), "maxcpus=1": says("cpus: 1,"),
        "log=debug": says("selftest: 4 CPUs", "features:"),
        "log=warning": _is_silent_of("features:"), "log=error": _is_silent_of("features:"),
        "selftest": says("selftest: 4 CPUs"), "console=com1,115200": ends_well, "console=none": _prints_nothing,
    }


def _is_silent_of(words: str) -> Check:
    def check(outcome: Outcome) -> str:
        said = [line for line in outcome.lines if words in line]
        return ends_well(outcome) or (f"the console still says '{said[0]}'" if said else "")
    return check


def _prints_nothing(outcome: Outcome) -> str:
    """It ran to its end, which the exit device alone tells."""
    said = [line for line in outcome.lines if "shoal" in line.lower()]
    return ends_well(outcome) or (f"the console says '{said[0]}'" if said else "")


def _programs_trapped(folder: Path, console: list[str]) -> bool:
    """At the end, with a look into QEMU's log: system calls came by interrupt."""
    if not any("end status 0" in line for line in console):
        return False
    with open(folder / "interrupts", encoding="utf-8", errors="replace") as log:
        return any(all(words in line for words in _TRAP_OF_A_PROGRAM) for line in log)


def _was_trapped(outcome: Outcome) -> str:
    return ends_well(outcome)
