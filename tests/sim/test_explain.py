"""One fault, from its trace to its page."""
import unittest

from shoal.sim import explain, traces
from shoal.sim.report import Names
from shoal.sim.run import Run
from test_traces import FakeImages

TRACE = """BLOCK 1 401000 90
BLOCK 2 402000 90
STEP 1 5 1000
TOUCH 5000 6000 r
TOUCH 5008 6008 w
STEP 2 7 1005
TOUCH 5010 6010 w
TOUCH 5040 6040 r
STEP 1 3 1100
LASTSTEP 1603
STEPEND
"""


class Explain(unittest.TestCase):
    def setUp(self) -> None:
        self.names = Names(FakeImages())

    def test_steps_have_the_cycles_to_the_next(self) -> None:
        (section,) = traces.sections(TRACE, "STEPEND")
        self.assertEqual([(step.instructions, step.cycles, len(step.touches)) for step in section.steps], [(5, 5, 2), (7, 95, 2), (3, 503, 0)])

    def test_a_line_counts_where_it_is_first_touched(self) -> None:
        (section,) = traces.sections(TRACE, "STEPEND")
        (stage,) = explain.stages(section.steps, self.names, {0x6000: "Leaf.lock", 0x6008: "Leaf.runs"})
        self.assertEqual(stage.functions, {"f401": [8, 508, 1, 1], "f402": [7, 95, 1, 0]})
        self.assertEqual(stage.touched, ["Leaf.lock", "**Leaf.runs**", "program: memory at 0x5040"])

    def test_the_page(self) -> None:
        text = explain.page(Run("faults", 1, [], TRACE), self.names)
        self.assertIn("**15 instructions, 603 cycles, 2 lines, of which 1 are written.**", text)
        self.assertIn("| `f402` | 7 | 95 | 1 | 0 |", text)

    def test_an_empty_trace(self) -> None:
        with self.assertRaises(ValueError):
            explain.page(Run("faults", 1, [], "STEPEND\n"), self.names)


if __name__ == "__main__":
    unittest.main()
