"""Where things lie in the tree."""
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
LOGS = BUILD / "logs"
ANSWERS = BUILD / "answers.log"  # what VM has answered in host tests


def guest_preset(debug: bool) -> str:
    return "guest-debug" if debug else "guest"


def image(debug: bool = False) -> Path:
    """The ISO that the CMake target `iso` makes."""
    return BUILD / guest_preset(debug) / "shoal.iso"


def programs(debug: bool = False) -> list[str]:
    """Names of the programs in the image; empty before the first build."""
    folder = BUILD / guest_preset(debug) / "programs"
    return sorted(p.name for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []
