"""How the waits of faults are read from what guest and model print."""
import unittest

from shoal.errors import ShoalError
from shoal.sim import waits
from shoal.sim.run import Run


def _stretch(cycles: int) -> str:
    return f"SIM cpu 0 cycles {cycles} insns 1"


class Waits(unittest.TestCase):
    def test_each_line_ends_its_faults(self) -> None:
        model = "\n".join(map(_stretch, (10, 30, 20, 7, 9)))
        done = Run("waits", 1, ["shoal: something", "WAITS ending faults=3", "WAITS copying faults=2"], model)
        self.assertEqual(waits.found(done), [waits.Wait("ending", 3, 20, 30), waits.Wait("copying", 2, 8, 9)])

    def test_missing_stretches_are_an_error(self) -> None:
        with self.assertRaises(ShoalError):
            waits.found(Run("waits", 1, ["WAITS ending faults=3"], _stretch(10)))


if __name__ == "__main__":
    unittest.main()
