"""The project's files as the rules see them: path from the top -> text."""
import os
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_SKIPPED = {"build", ".git", "__pycache__", ".cache", ".vscode", ".idea"}
SOURCES = (".cpp", ".hpp", ".h", ".S", ".py")
TEXTS = (*SOURCES, ".md", ".txt", ".cmake", ".toml", ".json", ".ld", ".in", ".cfg", ".pml", ".sh")


class Finding(NamedTuple):
    """A place where a rule is broken."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def read_tree(root: Path = ROOT) -> dict[str, str]:
    found = {}
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in _SKIPPED and not n.startswith("build"))
        for file in sorted(files):
            path = Path(folder) / file
            if path.suffix in TEXTS or path.name in ("shoal", "run"):
                found[str(path.relative_to(root))] = path.read_text(errors="replace")
    return found


def is_cpp(path: str) -> bool:
    return path.endswith((".cpp", ".hpp", ".h"))


def without_comments(text: str) -> str:
    """C++ with the insides of comments and strings blanked; lines keep their numbers."""
    out, i, state = [], 0, ""
    while i < len(text):
        two, c = text[i:i + 2], text[i]
        if not state and two in ("//", "/*"):
            state = two
        elif not state and c in "\"'" and not (c == "'" and i and text[i - 1].isalnum()):
            state = c
            out.append(c)
            i += 1
            continue
        if state == "//" and c == "\n" or state in ("\"", "'") and c in (state, "\n"):
            state = ""
            out.append(c)
        elif state == "/*" and two == "*/":
            state = ""
            out.append("  ")
            i += 1
        elif state in ("\"", "'") and c == "\\":
            out.append("  ")
            i += 1
        else:
            out.append(c if not state or c == "\n" else " ")
        i += 1
    return "".join(out)
