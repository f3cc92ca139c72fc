"""Bochs: the second machine, with x2APIC, PCID, INVPCID, XSAVES and TSC deadline. It interprets: short programs only."""
from shoal.testing.boot_case import BootCase, ImageFacts, says

_HELLO, _SELFTEST = ["rs.program=hello"], ["rs.program=selftest"]
_SUITE = ["bench=faults", "rs.args=rounds=1,repeats=1"]
_USED = (" x2apic", " pcid", " invpcid", " tsc-deadline", "x2APIC", "TSC deadline used")
_LEFT_OUT = ["nox2apic", "nopcid", "notscdeadline", "nosmap", "noxsave", "nofsgsbase"]
# IA32_APIC_BASE (SDM vol. 3A, 11.12.1): usual address, enabled, x2APIC, boot CPU.
_X2APIC_ON = ["insmod wrmsr", "wrmsr 0x1b 0xfee00d00"]


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("hello"):
        return []
    return [
        _case("hello-1", _HELLO, 1, program="hello", only_full=True),
        _case("hello-2", _HELLO, 2, program="hello", check=says(*_USED)),
        _case("faults-2", _SUITE, 2, program="faults"),
        _case("faults-4", _SUITE, 4, program="faults", only_full=True),
        _case("selftest-2", [*_SELFTEST, "selftest"], 2, program="selftest", only_full=True),
        _case("selftest-4", [*_SELFTEST, "selftest"], 4, program="selftest", only_full=True),
        _case("left-out", [*_HELLO, "selftest", *_LEFT_OUT], 2, program="hello",
              check=says(" -x2apic", " -pcid", " -tsc-deadline", " -smap", " -xsave", "xAPIC")),
        # As firmware leaves it on some machines: the boot line cannot switch it off, other CPUs follow.
        _case("x2apic-left-on", [*_HELLO, "selftest", "nox2apic"], 2, program="hello", boot_commands=_X2APIC_ON,
              check=says("x2APIC stays on: the firmware switched it on", "cpus: 2, x2APIC")),
    ]


def _case(name: str, options: list[str], cpus: int, **more) -> BootCase:
    return BootCase(f"bochs/{name}", options, cpus, "512M", emulator="bochs", timeout=900, **more)
