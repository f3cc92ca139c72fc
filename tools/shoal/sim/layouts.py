"""Layouts of C++ types, from a program's debug information by way of gdb."""
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_PLACED = re.compile(r"^/\*\s*(\d+)(?::\s*\d+)?\s*\|\s*(\d+)\s*\*/\s+(.*)$")
_CLOSING = re.compile(r"^\s*\}\s*([^;]*);?$")
_NAME = re.compile(r"(?:\(\*(\w+)\)\(.*\)|(\w+)((?:\[\d+\])*)(?:\s*:\s*\d+)?);$")


@dataclass
class Member:
    """A member with its place in the outermost object; of an array, how many elements."""

    offset: int
    size: int
    name: str = ""
    count: int = 1
    members: list["Member"] = field(default_factory=list)

    def path(self, offset: int) -> str:
        """The member's name and those of the members in it, down to the offset; of an array no element, for one is like another."""
        if self.count > 1:
            return f"{self.name}[]"
        inner = find(self.members, offset)
        return f"{self.name}.{inner}" if self.name and inner else self.name or inner

    def holds(self, offset: int) -> bool:
        return self.offset <= offset < self.offset + self.size


def find(members: list[Member], offset: int) -> str:
    return next((member.path(offset) for member in members if member.holds(offset)), "")


def parse(text: str) -> list[Member]:
    """Members from gdb's `ptype /o` of one type."""
    outermost = Member(0, 0)
    open_types = [outermost]
    for line in text.splitlines():
        placed = _PLACED.match(line)
        if placed and placed[3].endswith("{"):
            open_types.append(Member(int(placed[1]), int(placed[2])))
        elif placed and (named := _NAME.search(placed[3])):
            open_types[-1].members.append(_member(placed, named))
        elif len(open_types) > 1 and (closing := _CLOSING.match(line)):
            done = open_types.pop()
            named = _NAME.search(closing[1] + ";")
            if named:
                done.name, done.count = named[1] or named[2], _elements(named[3])
            open_types[-1].members.append(done)
    return outermost.members


def _member(placed: re.Match, named: re.Match) -> Member:
    return Member(int(placed[1]), int(placed[2]), named[1] or named[2], _elements(named[3]))


def _elements(suffix: str | None) -> int:
    count = 1
    for number in re.findall(r"\d+", suffix or ""):
        count *= int(number)
    return count


class Layouts:
    """Of the types of one program. What gdb does not know has no size and no members."""

    def __init__(self, program: Path, types: list[str]):
        self._members: dict[str, list[Member]] = {}
        self._sizes: dict[str, int] = {}
        self._enumerators: dict[str, list[str]] = {}
        if shutil.which("gdb"):
            self._read(program, types)

    def size(self, name: str) -> int:
        return self._sizes.get(name, 0)

    def path(self, name: str, offset: int) -> str:
        """The member at an offset; the offset itself where none is known."""
        return find(self._members.get(name, []), offset) or f"+{offset:#x}"

    def offset(self, name: str, member: str) -> int | None:
        """Of a member of the type itself."""
        return next((each.offset for each in self._members.get(name, []) if each.name == member), None)

    def enumerators(self, name: str) -> list[str]:
        """Of an enum whose values count from 0."""
        return self._enumerators.get(name, [])

    def _read(self, program: Path, types: list[str]) -> None:
        command = ["gdb", "-batch", "-nx", "-ex", "set language c++", "-ex", "set print type methods off"]
        for name in types:
            command += ["-ex", f"echo @@{name}\\n", "-ex", f"print sizeof({name})", "-ex", f"ptype /o {name}"]
        done = subprocess.run([*command, str(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        for part in done.stdout.split("@@")[1:]:
            name, _, text = part.partition("\n")
            size = re.search(r"^\$\d+ = (\d+)$", text, re.MULTILINE)
            if not size:
                continue
            self._sizes[name] = int(size[1])
            if enum := re.search(r"type = enum [^{]*\{(.*)\}", text):
                self._enumerators[name] = [word.strip().rpartition("::")[2] for word in enum[1].split(",")]
            else:
                self._members[name] = parse(text.partition("type = ")[2])
