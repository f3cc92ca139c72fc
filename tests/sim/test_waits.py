"""How the waits of faults are read from what guest and model print."""
import unittest

from shoal import project
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


class Limits(unittest.TestCase):
    limits = waits.Limits(100, 10, ("ending", "copying"))
    measured = [waits.Wait("ending", 3, 20, 100), waits.Wait("copying", 2, 8, 101)]

    def test_as_long_as_it_may(self) -> None:
        self.assertEqual(self.limits.verdict("ending", self.measured), "")

    def test_longer(self) -> None:
        self.assertIn("waited 101 cycles, at most 100", self.limits.verdict("copying", self.measured))

    def test_what_was_not_measured_fails(self) -> None:
        self.assertIn("beside ending", self.limits.verdict("ending", self.measured[1:]))

    def test_the_projects_own_are_of_work_that_the_guest_does(self) -> None:
        guest = (project.ROOT / "bench" / "guest" / "waits" / "main.cpp").read_text()
        found = waits.load()
        self.assertTrue(found.work)
        self.assertEqual(len(set(found.work)), len(found.work))
        for work in found.work:
            self.assertIn(f'>("{work}"', guest)


if __name__ == "__main__":
    unittest.main()
