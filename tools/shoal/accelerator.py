"""Which of QEMU's accelerators to use: the fastest that really runs a guest, found by trying."""
import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from . import project
from .errors import ShoalError
from .probe_sector import EXIT_STATUS, boot_sector

KVM_LIMIT = 2.0   # seconds; a working KVM needs a tenth of it, firmware included
TCG_LIMIT = 30.0


@dataclass(frozen=True)
class Accelerator:
    """What QEMU runs with; `reason` says why, for people and for the context of results."""

    name: str  # "kvm" or "tcg"
    reason: str

    def arguments(self) -> list[str]:
        if self.name == "kvm":
            return ["-accel", "kvm", "-cpu", "host,migratable=off"]
        return ["-accel", "tcg,thread=multi", "-cpu", "max"]


def qemu_binary() -> str:
    path = shutil.which("qemu-system-x86_64")
    if not path:
        raise ShoalError("no QEMU: qemu-system-x86_64 is not in the PATH",
                         "./shoal setup (Debian package qemu-system-x86)")
    return path


def choose(wish: str = "auto") -> Accelerator:
    """`wish` is auto, kvm or tcg. A wish for a KVM that does not work is an error, auto falls back to TCG."""
    qemu_binary()
    if wish == "tcg":
        return Accelerator("tcg", "asked for")
    found = _cached_probe()
    if wish == "kvm" and found.name != "kvm":
        raise ShoalError(f"no KVM: {found.reason}", "--accel tcg, or --accel auto for the fastest that works")
    return found


def time_probe(accelerator: Accelerator, limit: float) -> tuple[float | None, str]:
    """Seconds the probe took, or None and what went wrong."""
    with tempfile.TemporaryDirectory(prefix="shoal-probe-") as folder:
        disk = Path(folder) / "probe.img"
        disk.write_bytes(boot_sector())
        command = [qemu_binary(), "-machine", "q35", *accelerator.arguments(), "-m", "64", "-display", "none", "-nic", "none",
                   "-serial", "none", "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04",
                   "-drive", f"file={disk},format=raw,if=floppy"]
        started = time.monotonic()
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return None, f"a tiny guest did not finish in {limit:.0f} s"
        if done.returncode != EXIT_STATUS:
            words = done.stderr.strip().splitlines()
            return None, words[-1] if words else f"QEMU ended with status {done.returncode}"
        return time.monotonic() - started, ""


def _probe() -> Accelerator:
    if not os.path.exists("/dev/kvm"):
        return Accelerator("tcg", "this host has no /dev/kvm")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return Accelerator("tcg", "/dev/kvm may not be opened by this user (group kvm)")
    kvm, trouble = time_probe(Accelerator("kvm", ""), KVM_LIMIT)
    if kvm is None:
        return Accelerator("tcg", f"/dev/kvm is there and unusable: {trouble}")
    tcg, _ = time_probe(Accelerator("tcg", ""), TCG_LIMIT)
    if tcg is not None and tcg < kvm:
        return Accelerator("tcg", f"KVM works and is slower here (probe {kvm:.2f} s, TCG {tcg:.2f} s)")
    return Accelerator("kvm", f"probe ran in {kvm:.2f} s")


def _cached_probe() -> Accelerator:
    """One probe for each boot of the host, user and QEMU."""
    key = [Path("/proc/sys/kernel/random/boot_id").read_text().strip(), os.getuid(), os.stat(qemu_binary()).st_mtime]
    cache = project.BUILD / f"accelerator-{os.getuid()}.json"
    try:
        stored = json.loads(cache.read_text())
        if stored["key"] == key:
            return Accelerator(**stored["accelerator"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    found = _probe()
    try:
        cache.parent.mkdir(exist_ok=True)
        mine = cache.with_suffix(f".{os.getpid()}")  # whole or not at all: another run may read it now
        mine.write_text(json.dumps({"key": key, "accelerator": asdict(found)}))
        mine.replace(cache)
    except OSError:
        pass  # a tree that may not be written is probed each time
    return found
