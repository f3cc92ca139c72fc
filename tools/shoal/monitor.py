"""QEMU's machine protocol (QMP) over the run's own socket."""
import json
import socket
import time
from pathlib import Path

PATIENCE = 30  # seconds, for a host that is busy


class Monitor:
    """One connection; use as a context."""

    def __init__(self, folder: Path):
        self._socket = self._connect(str(folder / "qmp.sock"), time.monotonic() + PATIENCE)
        self._stream = self._socket.makefile("rw", encoding="utf-8")
        self._stream.readline()  # the greeting
        self.execute("qmp_capabilities")

    @staticmethod
    def _connect(path: str, deadline: float) -> socket.socket:
        """QEMU may still be starting: its socket is not there yet, or nobody listens."""
        while True:
            tried = socket.socket(socket.AF_UNIX)
            tried.settimeout(PATIENCE)
            try:
                tried.connect(path)
                return tried
            except (FileNotFoundError, ConnectionRefusedError):
                tried.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *_) -> None:
        self._socket.close()

    def execute(self, command: str, **arguments) -> dict:
        """The command's answer; events that come between are passed over. Raises RuntimeError with QEMU's words."""
        self._stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._stream.flush()
        while line := self._stream.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error'].get('desc', answer['error'])}")
            if "return" in answer:
                return answer["return"]
        raise RuntimeError(f"{command}: QEMU closed its monitor")

    def events_to_the_end(self) -> list[dict]:
        """What QEMU has announced and goes on to announce until it ends."""
        said = [json.loads(line) for line in self._stream]
        return [message for message in said if "event" in message]

    def screenshot(self, file: Path) -> None:
        """Writes the screen as a portable pixmap."""
        self.execute("screendump", filename=str(file))

    def machine_check(self, cpu: int) -> None:
        """An uncorrected machine check on one CPU, as failing hardware raises it (Intel SDM vol. 3, 15.3.2: valid, uncorrected,
        enabled, context corrupt; in progress, instruction pointer valid)."""
        status, global_status, bank = 0xB200000000000000, 0x5, 1
        self.execute("human-monitor-command",
                     **{"command-line": f"mce {cpu} {bank} {status:#x} {global_status:#x} 0 0"})
