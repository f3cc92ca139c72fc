"""Ratchets hold, and only fall."""
import tempfile
import unittest
from pathlib import Path

from shoal.sim import ratchets
from shoal.sim.measurements import Measured
from shoal.sim.ratchets import Ratchet

INSTRUCTIONS = Ratchet("faults", "x", 1, "instructions", 1000.0)
MISSES = Ratchet("faults", "x", 4, "misses", 0.1)


def rows(instructions: float = 1000.0, misses: float = 0.1) -> list[Measured]:
    return [Measured("x", cpus, cpus, 1.0, 1.0, 1.0, {"instructions": instructions, "misses": misses}) for cpus in (1, 4)]


class Ratchets(unittest.TestCase):
    def test_within_the_tolerance(self) -> None:
        self.assertEqual(INSTRUCTIONS.verdict(rows(instructions=1019.0)), "")
        self.assertEqual(MISSES.verdict(rows(misses=0.119)), "")

    def test_beyond_it(self) -> None:
        self.assertIn("1021.000 instructions", INSTRUCTIONS.verdict(rows(instructions=1021.0)))
        self.assertIn("ratchet 0.100", MISSES.verdict(rows(misses=0.121)))

    def test_what_was_not_measured_fails(self) -> None:
        self.assertIn("not measured", INSTRUCTIONS.verdict([]))

    def test_another_machine_does_not_count(self) -> None:
        self.assertIsNone(Ratchet("faults", "x", 2, "misses", 0.1).measured(rows()))

    def test_they_only_fall(self) -> None:
        self.assertEqual([r.value for r in ratchets.lowered([INSTRUCTIONS, MISSES], rows(900.0, 0.5))], [900.0, 0.1])
        self.assertEqual(ratchets.lowered([INSTRUCTIONS], []), [INSTRUCTIONS])

    def test_the_file_keeps_what_is_stored(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ratchets.toml"
            ratchets.store([INSTRUCTIONS, MISSES], file)
            self.assertEqual(ratchets.load(file), [INSTRUCTIONS, MISSES])

    def test_what_has_to_be_run(self) -> None:
        self.assertEqual(ratchets.runs([INSTRUCTIONS, MISSES, INSTRUCTIONS]), [("faults", 1), ("faults", 4)])

    def test_a_run_measures_one_workload_where_that_is_enough(self) -> None:
        self.assertEqual(ratchets.workload_filter([INSTRUCTIONS, MISSES]), "x")
        self.assertEqual(ratchets.workload_filter([INSTRUCTIONS, Ratchet("faults", "y", 1, "instructions", 1.0)]), "")

    def test_the_projects_own_are_of_known_counts(self) -> None:
        found = ratchets.load()
        self.assertTrue(found)
        for ratchet in found:
            self.assertIn((ratchet.count, ratchet.actors), (("instructions", 1), ("misses", 4)))
        self.assertEqual(len({ratchet.name for ratchet in found}), len(found))


if __name__ == "__main__":
    unittest.main()
