"""Variants of the image: the same files with further kernel options in the boot menu."""
import re
import subprocess
import tempfile
from pathlib import Path

from .errors import ExitCode, ShoalError

_KERNEL_LINE = re.compile(r"(\bmultiboot2[ \t]+[^\n;}]+)")


def with_options(menu: str, options: str) -> str:
    """The GRUB menu with `options` at the end of every kernel line. Raises ValueError if there is none."""
    changed, count = _KERNEL_LINE.subn(lambda match: f"{match[1].rstrip()} {options}", menu)
    if not count:
        raise ValueError("the menu has no multiboot2 line")
    return changed


def with_commands(menu: str, commands: list[str]) -> str:
    """The GRUB menu with further commands at the end of its entry, just before the kernel starts."""
    start, brace, end = menu.rpartition("}")
    if not brace:
        raise ValueError("the menu has no entry")
    return start + "".join(f"    {command}\n" for command in commands) + brace + end


def make(source: Path, target: Path, options: str, commands: list[str] | None = None) -> None:
    """Unpacks the image, rewrites its menu, packs it again (BIOS and UEFI, as the build does)."""
    with tempfile.TemporaryDirectory(prefix="shoal-iso-") as name:
        tree = Path(name) / "tree"
        _run(["xorriso", "-osirrox", "on", "-indev", str(source), "-extract", "/boot", str(tree / "boot")])
        menu = tree / "boot" / "grub" / "grub.cfg"
        _run(["chmod", "-R", "u+w", str(tree)])
        try:
            menu.write_text(with_commands(with_options(menu.read_text(), options), commands or []))
        except (OSError, ValueError) as error:
            raise ShoalError(f"{source.name} is no image of Shoal: {error}", "./shoal iso makes one", ExitCode.FAILED) from None
        # GRUB's own files come from this machine again; those of the source image would be doubled.
        for item in (tree / "boot" / "grub").iterdir():
            if item.name != "grub.cfg":
                _run(["rm", "-rf", str(item)])
        # mtools would read a configuration of the user's otherwise.
        _run(["env", "MTOOLSRC=/dev/null", "grub-mkrescue", "--locales=", "--fonts=", "--themes=", "-o", str(target), str(tree)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ShoalError(f"{command[0]} failed: {done.stderr.strip()[-400:]}", "./shoal doctor", ExitCode.FAILED)
