"""How the machine ends: by switching itself off, by a reset, by QEMU's exit device, or by waiting, as end= says."""
from pathlib import Path

from shoal import serial_log
from shoal.guest import Outcome
from shoal.monitor import Monitor
from shoal.testing.boot_case import BootCase, ImageFacts, ends_well


class Listener:
    """Hears QEMU say why its machine stops: the machine starts paused and goes on when somebody listens."""

    PAUSED = ["-S"]

    def __init__(self, expected: str):
        self.expected = expected
        self.monitor: Monitor | None = None

    def connect(self, folder: Path) -> None:
        self.monitor = Monitor(folder)
        self.monitor.execute("cont")

    def check(self, outcome: Outcome) -> str:
        if reason := ends_well(outcome):
            return reason
        with self.monitor as monitor:
            reasons = [event["data"]["reason"] for event in monitor.events_to_the_end() if event["event"] == "SHUTDOWN"]
        return "" if reasons == [self.expected] else f"QEMU gives {reasons} as its reason to stop, not {self.expected}"


def cases(facts: ImageFacts) -> list[BootCase]:
    if not facts.has("hello"):
        return []
    offered = []
    for action, uefi, expected in (("poweroff", False, "guest-shutdown"), ("poweroff", True, "guest-shutdown"),
                                   ("reboot", False, "guest-reset"), ("reboot", True, "guest-reset")):
        listener = Listener(expected)
        offered.append(BootCase(f"end/{action}-{'uefi' if uefi else 'bios'}", ["rs.program=hello", f"end={action}"], uefi=uefi,
                                program="hello", timeout=120, extra=listener.PAUSED, at_start=listener.connect,
                                check=listener.check, only_full=uefi and action == "reboot"))
    offered.append(BootCase("end/qemu", ["rs.program=hello", "rs.args=status=5", "end=qemu"], program="hello", timeout=60,
                            check=_leaves_by_the_exit_device))
    offered.append(BootCase("end/wait", ["rs.program=hello", "end=wait"], program="hello", timeout=60, check=_waits))
    return offered


def _leaves_by_the_exit_device(outcome: Outcome) -> str:
    """QEMU's own status is 2 N + 1."""
    if outcome.status != 5:
        return outcome.describe()
    return "" if outcome.emulator_status == 11 else f"QEMU ended with {outcome.emulator_status}, not with 11"


def _waits(outcome: Outcome) -> str:
    says_so = any(serial_log.WAITING in line for line in outcome.lines)
    return ends_well(outcome) or ("" if says_so else f"no line says '{serial_log.WAITING}'")
