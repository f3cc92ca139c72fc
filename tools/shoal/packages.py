"""The Debian packages that the project needs: what for, how to tell, how to get them."""
import os
import shutil
import subprocess
from dataclasses import dataclass

from .errors import ShoalError
from .progress import Progress, say


@dataclass(frozen=True)
class Package:
    """`evidence` is a command in the PATH or a file: who has it from elsewhere needs no package."""

    name: str
    evidence: str
    purpose: str

    def present(self) -> bool:
        return os.path.exists(self.evidence) if self.evidence.startswith("/") else shutil.which(self.evidence) is not None


PACKAGES = (
    Package("g++", "g++", "the compiler (12 or newer)"),
    Package("cmake", "cmake", "the build (3.25 or newer)"),
    Package("ninja-build", "ninja", "the build"),
    Package("clang", "clang++", "the lock analysis (-Wthread-safety)"),
    Package("libgtest-dev", "/usr/include/gtest/gtest.h", "host tests"),
    Package("libbenchmark-dev", "/usr/include/benchmark/benchmark.h", "host benchmarks"),
    Package("qemu-system-x86", "qemu-system-x86_64", "the machine Shoal runs in"),
    Package("grub-common", "grub-mkrescue", "grub-mkrescue, which makes the image"),
    Package("grub-pc-bin", "/usr/lib/grub/i386-pc", "the image's BIOS boot"),
    Package("grub-efi-amd64-bin", "/usr/lib/grub/x86_64-efi", "the image's UEFI boot"),
    Package("xorriso", "xorriso", "the image's file system"),
    Package("mtools", "mformat", "the image's UEFI partition"),
    Package("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd", "UEFI firmware for --uefi"),
    Package("bochs", "bochs", "the second machine of the boot tests"),
    Package("bochs-term", "/usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_term_gui.so", "Bochs without a window"),
    Package("bochsbios", "/usr/share/bochs/BIOS-bochs-latest", "Bochs' own firmware"),
    Package("vgabios", "/usr/share/vgabios/vgabios.bin", "Bochs' video firmware"),
    Package("spin", "spin", "checking the IPC model"),
    Package("gdb", "gdb", "debugging (--gdb)"),
    Package("python3", "python3", "this command (3.11 or newer)"),
)


def missing_packages() -> list[Package]:
    return [package for package in PACKAGES if not package.present()]


def install_command(packages: list[Package]) -> list[str]:
    return ["apt-get", "install", "--yes", "--no-install-recommends", *(p.name for p in packages)]


def install(packages: list[Package]) -> None:
    """Installs with apt-get, through sudo where this is not root. Asks nothing."""
    names = " ".join(p.name for p in packages)
    _require_apt(names)
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise ShoalError(f"packages are missing ({names}), this is not root and there is no sudo",
                             "as root: " + " ".join(install_command(packages)))
        say("this is not root: packages are installed through sudo, which may ask for your password")
        prefix = ["sudo"]
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive"]
    with Progress(f"installing {names}") as progress:
        _apt(prefix + ["apt-get", "update"], progress)
        _apt(prefix + install_command(packages), progress)


def _apt(command: list[str], progress: Progress) -> None:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL if os.geteuid() == 0 else None,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        progress.update(lines[-1])
    if process.wait() != 0:
        raise ShoalError(f"`{' '.join(command)}` failed:\n    " + "\n    ".join(lines[-8:]),
                         "see that the machine reaches its Debian mirror, then run ./shoal setup again")


def _require_apt(names: str) -> None:
    if not shutil.which("apt-get"):
        raise ShoalError(f"packages are missing ({names}) and this machine has no apt-get",
                         "use Debian 12 or a container of it, or install these by hand under your system's names")
