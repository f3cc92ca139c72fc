"""What the model's watchers print, and the tables made of it."""
import unittest

from shoal.sim import report, traces
from shoal.sim.traces import Block

HOT = """BLOCK 7 401000 90c3
HOT 401001 480
HOTLINE 401001 7 5008 6008 w 3 360
HOTLINE 401001 7 5048 6048 r 1 120
HOTEND
HOTEND
"""
PROFILE = """BLOCK 1 401000 90
BLOCK 2 402000 c3
PROF 402000 30
STACK 20 1;2
STACK 10 2
PROFEND
"""
CONFLICTS = """BLOCK 3 403000 c3
SIM cpu 0 cycles 1
CONFLICT 6000 0:w:403000:3:5000:2 1:r:403004:3:5008:1
CONFLICTEND
"""


class FakeImage:
    name = "program"

    def function(self, address: int) -> str:
        return f"f{address >> 12:x}"

    def data(self, _address: int) -> None:
        return None


class FakeImages:
    def of_code(self, _address: int, code: bytes):
        return FakeImage() if code else None

    def kernel(self):
        return None


class Sections(unittest.TestCase):
    def test_hot_lines(self) -> None:
        first, second = traces.sections(HOT, "HOTEND")
        self.assertEqual([(line.pc, line.address, line.store, line.misses, line.cycles) for line in first.hot],
                         [(0x401001, 0x5008, True, 3, 360), (0x401001, 0x5048, False, 1, 120)])
        self.assertEqual(first.hot[0].block, Block(0x401000, b"\x90\xc3"))
        self.assertEqual(second.hot, [])

    def test_a_plugin_that_tells_sums_only(self) -> None:
        (section,) = traces.sections("HOT 401001 480\nPROF 401000 7\nHOTEND\n", "HOTEND")
        self.assertEqual([(line.pc, line.misses, line.cycles) for line in section.hot], [(0x401001, None, 480)])
        self.assertEqual(section.stacks, [([Block(0x401000)], 7)])

    def test_stacks(self) -> None:
        (section,) = traces.sections(PROFILE, "PROFEND")
        self.assertEqual([([block.pc for block in chain], cycles) for chain, cycles in section.stacks],
                         [([0x401000, 0x402000], 20), ([0x402000], 10)])

    def test_conflicts(self) -> None:
        (section,) = traces.sections(CONFLICTS, "CONFLICTEND")
        ((line, touches),) = section.conflicts
        self.assertEqual(line, 0x6000)
        self.assertEqual([(touch.core, touch.store, touch.address, touch.physical, touch.count) for touch in touches],
                         [(0, True, 0x5000, 0x6000, 2), (1, False, 0x5008, 0x6008, 1)])

    def test_addresses_of_all_that_is_named(self) -> None:
        self.assertEqual(traces.physical_addresses(HOT + PROFILE + CONFLICTS), {0x6008, 0x6048, 0x6000})


class Report(unittest.TestCase):
    def setUp(self) -> None:
        self.names = report.Names(FakeImages())

    def test_hot_rows_are_by_function_and_place(self) -> None:
        lines = [line for section in traces.sections(HOT + HOT, "HOTEND") for line in section.hot]
        rows = report.hot_rows(lines, self.names, {})
        self.assertEqual([(key[0], key[1], sums) for key, sums in rows],
                         [("program:f401", "w", (6, 720)), ("program:f401", "r", (2, 240))])

    def test_a_block_in_the_function_that_was_called_last_is_no_call(self) -> None:
        code = b"\x90"
        chain = [Block(0x401000, code), Block(0x402000, code), Block(0x402010, code)]
        self.assertEqual(report.folded(chain, self.names), ["program:f401", "program:f402"])

    def test_code_of_no_known_program(self) -> None:
        self.assertEqual(self.names.function(Block(0x401000)), "?:0x401000")


if __name__ == "__main__":
    unittest.main()
