"""Calls ./shoal as a person does."""
import atexit
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shoal import project

NOBODY = 65534
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
LIMIT = 300  # seconds; far more than any call here needs


@dataclass(frozen=True)
class Call:
    code: int
    output: str
    messages: str  # of standard error


def run(*arguments: str, root: Path = project.ROOT, limit: float = LIMIT, **process) -> Call:
    """The command in the tree `root`; `process` goes to subprocess.run (env, user ...)."""
    done = subprocess.run([str(root / "shoal"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", timeout=limit, check=False, **process)
    return Call(done.returncode, done.stdout, done.stderr)


def somebody_else() -> dict:
    """For run(): a user who is not root. Root itself may have its programs where nobody else can reach them."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": [], "env": os.environ | {"PATH": SYSTEM_PATH}}


def without_programs(*missing: str) -> dict[str, str]:
    """An environment whose PATH has everything of the system but these: one folder of links."""
    folder = Path(tempfile.mkdtemp(prefix="shoal-path-"))
    atexit.register(shutil.rmtree, folder)
    folder.chmod(0o755)
    for place in SYSTEM_PATH.split(":"):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in missing and not link.is_symlink():
                link.symlink_to(program)
    return os.environ | {"PATH": str(folder)}


class Tree:
    """A copy of the command that anybody may read and write, with nothing built; use as a context."""

    def __enter__(self) -> Path:
        self._folder = tempfile.mkdtemp(prefix="shoal-tree-")
        root = Path(self._folder) / "tree"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(project.ROOT / "tools", root / "tools", ignore=ignored)
        shutil.copy(project.ROOT / "shoal", root / "shoal")
        for path in [Path(self._folder), root, *root.rglob("*")]:
            path.chmod(0o777)
        return root

    def __exit__(self, *_) -> None:
        shutil.rmtree(self._folder)
