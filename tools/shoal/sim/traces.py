"""What the model's watchers print, taken apart: a section for each measurement, in the order of the RES lines."""
from dataclasses import dataclass, field

_LINE = 64


@dataclass(frozen=True)
class Block:
    """A piece of code: where it runs and its bytes. Without bytes if the plugin does not print them."""

    pc: int
    code: bytes = b""


@dataclass(frozen=True)
class HotLine:
    """Remote misses of one instruction on one line."""

    pc: int
    block: Block
    address: int
    physical: int
    store: bool
    misses: int | None  # None where the plugin prints cycles only
    cycles: int


@dataclass(frozen=True)
class Touch:
    """The first access of one kind by one core to a line, and how many there were."""

    core: int
    store: bool
    pc: int
    block: Block
    address: int
    physical: int
    count: int


@dataclass(frozen=True)
class Access:
    """One access of a traced operation."""

    address: int
    physical: int
    store: bool


@dataclass
class Step:
    """A block that a traced operation ran, until the next one began."""

    block: Block
    instructions: int
    clock: int
    cycles: int = 0
    touches: list[Access] = field(default_factory=list)


@dataclass
class Section:
    """One measurement."""

    hot: list[HotLine] = field(default_factory=list)
    stacks: list[tuple[list[Block], int]] = field(default_factory=list)  # outermost first; cycles
    conflicts: list[tuple[int, list[Touch]]] = field(default_factory=list)  # physical line; touches
    steps: list[Step] = field(default_factory=list)


class _Reader:
    def __init__(self) -> None:
        self.blocks: dict[int, Block] = {}
        self.section = Section()
        self.plain_hot: list[HotLine] = []
        self.plain_profile: list[tuple[list[Block], int]] = []

    def line(self, words: list[str]) -> None:
        kind = words[0]
        if kind == "BLOCK":
            self.blocks[int(words[1])] = Block(int(words[2], 16), bytes.fromhex(words[3]))
        elif kind == "HOT":
            pc = int(words[1], 16)
            self.plain_hot.append(HotLine(pc, Block(pc), 0, 0, False, None, int(words[2])))
        elif kind == "HOTLINE":
            self.section.hot.append(HotLine(int(words[1], 16), self.blocks[int(words[2])], int(words[3], 16), int(words[4], 16),
                                            words[5] == "w", int(words[6]), int(words[7])))
        elif kind == "PROF":
            self.plain_profile.append(([Block(int(words[1], 16))], int(words[2])))
        elif kind == "STACK":
            self.section.stacks.append(([self.blocks[int(word)] for word in words[2].split(";")], int(words[1])))
        elif kind == "STEP":
            self._step(Step(self.blocks[int(words[1])], int(words[2]), int(words[3])))
        elif kind == "LASTSTEP" and self.section.steps:
            self._end_step(int(words[1]))
        elif kind == "TOUCH" and self.section.steps:
            self.section.steps[-1].touches.append(Access(int(words[1], 16), int(words[2], 16), words[3] == "w"))
        elif kind == "CONFLICT":
            line = int(words[1], 16)
            self.section.conflicts.append((line, [self._touch(line, word) for word in words[2:]]))

    def _step(self, step: Step) -> None:
        if self.section.steps:
            self._end_step(step.clock)
        self.section.steps.append(step)

    def _end_step(self, clock: int) -> None:
        last = self.section.steps[-1]
        last.cycles = clock - last.clock

    def end(self) -> Section:
        """A plugin that tells only sums by address is taken at its word."""
        done = self.section
        done.hot = done.hot or self.plain_hot
        done.stacks = done.stacks or self.plain_profile
        self.section, self.plain_hot, self.plain_profile = Section(), [], []
        return done

    def _touch(self, line: int, word: str) -> Touch:
        core, kind, pc, block, address, count = word.split(":")
        place = int(address, 16)
        return Touch(int(core), kind == "w", int(pc, 16), self.blocks[int(block)], place, line + place % _LINE, int(count))


def sections(text: str, end: str) -> list[Section]:
    """`end`: the word that ends what is looked for (HOTEND, PROFEND, CONFLICTEND or STEPEND)."""
    reader, found = _Reader(), []
    for line in text.splitlines():
        words = line.split()
        if words == [end]:
            found.append(reader.end())
        elif words:
            reader.line(words)
    return found


def physical_addresses(text: str) -> set[int]:
    """Of all accesses that the watchers name."""
    found = set()
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["HOTLINE"]:
            found.add(int(words[4], 16))
        elif words[:1] == ["TOUCH"]:
            found.add(int(words[2], 16))
        elif words[:1] == ["CONFLICT"]:
            base = int(words[1], 16)
            found.update(base + int(word.split(":")[4], 16) % _LINE for word in words[2:])
    return found
