"""The virtual machine as QEMU's command line."""
import socket
from dataclasses import dataclass, field
from pathlib import Path

from . import image_variant
from .accelerator import Accelerator, qemu_binary
from .errors import ExitCode, ShoalError

OVMF_CODE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")

HIGHEST_PORT = 65535
COM1 = ("-serial", "chardev:console")  # the console's port: the first one


@dataclass
class Machine:
    """One guest machine. `options` go to the kernel over fw_cfg, so that one image serves every run."""

    image: Path
    accelerator: Accelerator
    cpus: int
    memory: str = "1G"
    uefi: bool = False
    options: list[str] = field(default_factory=list)
    gdb_port: int | None = None
    extra: list[str] = field(default_factory=list)  # further QEMU arguments; {folder} in them is the run's folder
    files: dict[str, bytes] = field(default_factory=dict)  # what they name there
    serial: list[str] = field(default_factory=lambda: list(COM1))
    medium: str = "cdrom"  # or "usb", a stick
    boot_commands: list[str] = field(default_factory=list)  # of GRUB, just before the kernel starts

    def command(self, folder: Path | None = None) -> list[str]:
        """The QEMU line; serial port on QEMU's stdout. `folder` holds this run's monitor socket; without one the line has no
        monitor and is what a person may run by hand."""
        line = [qemu_binary(), "-machine", "q35", *self.accelerator.arguments(), "-smp", str(self.cpus), "-m", self.memory,
                "-display", "none", "-no-reboot", "-nic", "none", *self._medium(self._image(folder)),
                "-chardev", "stdio,id=console,signal=off", *self.serial,
                "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
        if folder:
            line += ["-qmp", f"unix:{folder / 'qmp.sock'},server=on,wait=off"]
        if self.options:
            # A comma separates QEMU's own options; doubled it stands for itself.
            text = " ".join(self.options).replace(",", ",,")
            line += ["-fw_cfg", f"name=opt/shoal/append,string={text}"]
        if self.uefi:
            # The variables start afresh in each run: what the firmware writes goes to a snapshot that nobody keeps.
            line += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF_CODE}",
                     "-drive", f"if=pflash,format=raw,snapshot=on,file={OVMF_VARIABLES}"]
        if self.gdb_port is not None:
            line += ["-gdb", f"tcp:127.0.0.1:{self.gdb_port}", "-S"]
        return line + [word.replace("{folder}", str(folder)) for word in self.extra]

    def _image(self, folder: Path | None) -> Path:
        return folder / "variant.iso" if folder and self.boot_commands else self.image

    def _medium(self, image: Path) -> list[str]:
        if self.medium == "cdrom":
            return ["-cdrom", str(image)]
        return ["-drive", f"file={image},format=raw,readonly=on,if=none,id=stick",
                "-device", "qemu-xhci", "-device", "usb-storage,drive=stick"]

    @property
    def mute(self) -> bool:
        """Whether the kernel is told to print nothing on the serial port."""
        return "console=none" in self.options or "console=fb" in self.options

    def prepare(self, folder: Path) -> None:
        """Sees that the files that command() names are there."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        if self.boot_commands:
            image_variant.make(self.image, self._image(folder), "", self.boot_commands)
        if self.uefi and not (OVMF_CODE.exists() and OVMF_VARIABLES.exists()):
            raise ShoalError(f"no UEFI firmware: {OVMF_CODE} is missing", "./shoal setup (Debian package ovmf)")


def free_port() -> int:
    """A TCP port of this host that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check_memory(text: str) -> str:
    """Memory as QEMU writes it: a number with M or G."""
    if len(text) < 2 or text[-1] not in "MG" or not text[:-1].isdigit():
        raise ShoalError(f"'{text}' is not an amount of memory", "write for example --mem 512M or --mem 2G", ExitCode.USAGE)
    return text
