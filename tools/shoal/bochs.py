"""Bochs, the second machine: it has the x2APIC, PCID, INVPCID and TSC deadline that QEMU's TCG lacks."""
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from . import image_variant

FIRMWARE = Path("/usr/share/bochs/BIOS-bochs-latest")
DISPLAY = Path("/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so")
VIDEO_FIRMWARE = Path("/usr/share/bochs/VGABIOS-lgpl-latest")
MAX_CPUS = 8  # of Debian's build

_CONFIGURATION = """\
display_library: term
config_interface: textconfig
romimage: file={firmware}
vgaromimage: file={video}
cpu: model=corei7_skylake_x, count={cpus}, ips=100000000, quantum=16, reset_on_triple_fault=0
memory: guest={memory}, host={memory}
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
vga: extension=none
com1: enabled=1, mode=file, dev=/dev/fd/3
sound: waveoutdrv=dummy
speaker: enabled=0
log: {log}
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
clock: sync=none
"""


def missing() -> str:
    """What keeps Bochs from running here; empty if nothing does."""
    if not shutil.which("bochs"):
        return "no bochs (Debian package bochs)"
    if not FIRMWARE.exists():
        return "no Bochs firmware (Debian package bochsbios)"
    if not DISPLAY.exists():
        return "no display for Bochs without a window (Debian package bochs-term)"
    return "" if VIDEO_FIRMWARE.exists() else "no Bochs video firmware (Debian package vgabios)"


@dataclass
class BochsMachine:
    """As machine.Machine; options go into the image's boot menu, as Bochs has no fw_cfg."""

    image: Path
    cpus: int
    memory: str = "512M"
    options: list[str] = field(default_factory=list)
    boot_commands: list[str] = field(default_factory=list)  # of GRUB, just before the kernel starts
    mute = False

    def prepare(self, folder: Path) -> None:
        image = self.image
        if self.options or self.boot_commands:
            image = folder / "variant.iso"
            image_variant.make(self.image, image, " ".join(self.options), self.boot_commands)
        (folder / "start").write_text("continue\n")
        (folder / "bochsrc").write_text(_CONFIGURATION.format(
            firmware=FIRMWARE, video=VIDEO_FIRMWARE, cpus=self.cpus, memory=_mebibytes(self.memory), image=image,
            log=folder / "bochs.log"))

    def command(self, folder: Path) -> list[str]:
        """Bochs' line. Debian's build starts in its debugger, hence the script that says `continue`; its text display would
        paint over the console, hence descriptor 3, the port's file, as the only way out."""
        inner = f"exec bochs -q -f {shlex.quote(str(folder / 'bochsrc'))} -rc {shlex.quote(str(folder / 'start'))}"
        return ["env", "TERM=vt100", "sh", "-c", f"{inner} 3>&1 >/dev/null"]


def _mebibytes(memory: str) -> int:
    return int(memory[:-1]) * (1024 if memory.endswith("G") else 1)
