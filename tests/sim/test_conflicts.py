"""Lines that pairs of operations share, and those that may be."""
import tomllib
import unittest

from shoal.sim import conflicts
from shoal.sim.report import Names
from shoal.sim.run import Run
from test_traces import CONFLICTS, FakeImages

CONSOLE = ["RES fault+mmap/other-leaf T=2 ops/thread 8", "RES fault+fault/other-process T=2 ops/thread 8"]


class Conflicts(unittest.TestCase):
    def setUp(self) -> None:
        run = Run("conflicts", 2, CONSOLE, CONFLICTS + "CONFLICTEND\n", {0x6000: "Segment.version_", 0x6008: "Segment.waiting"})
        self.results = conflicts.found(run, Names(FakeImages()))

    def test_each_pair_has_its_lines(self) -> None:
        self.assertEqual({key: len(value) for key, value in self.results.items()},
                         {("fault+mmap", "other-leaf"): 1, ("fault+fault", "other-process"): 0})

    def test_object_and_places(self) -> None:
        (found,) = self.results["fault+mmap", "other-leaf"]
        self.assertEqual((found.object, found.type), ("Segment.version_", "Segment"))
        self.assertEqual(found.sites, ("CPU 0 writes in program:f403 (Segment.version_)", "CPU 1 reads in program:f403 (Segment.waiting)"))

    def test_what_is_not_allowed(self) -> None:
        def left(*entries: tuple) -> int:
            return len(conflicts.forbidden(self.results, [conflicts.Permission(relation, frozenset({thing}), *operations)
                                                          for relation, thing, *operations in entries]))

        self.assertEqual(left(), 1)
        self.assertEqual(left(("same-leaf", "Segment")), 1)
        self.assertEqual(left(("other-leaf", "Segment")), 0)
        self.assertEqual(left(("other-leaf", "Segment", frozenset({"mmap", "munmap"}))), 1)
        self.assertEqual(left(("other-leaf", "Segment", frozenset({"mmap", "fault"}))), 0)

    def test_the_projects_own_list_says_why(self) -> None:
        entries = tomllib.loads(conflicts.FILE.read_text())["allowed"]
        for entry in entries:
            self.assertIn(entry["relation"], conflicts.RELATIONS)
            self.assertTrue(entry["why"])

    def test_the_projects_own_list_does_not_grow(self) -> None:
        entries = conflicts.allowed()
        self.assertFalse([entry for entry in entries if entry.relation in ("other-process", "other-region")])
        self.assertLessEqual(len([entry for entry in entries if entry.relation == "same-leaf"]), 5)
        changing = {"mmap", "munmap", "mprotect", "slab-refill"}
        for entry in entries:
            if entry.relation == "other-leaf":
                self.assertTrue(entry.operations and entry.operations <= changing)

    def test_table_and_details(self) -> None:
        self.assertIn("fault+mmap", conflicts.table(self.results))
        text = conflicts.details(self.results, [])
        self.assertIn("other-leaf: Segment.version_ (NOT ALLOWED), 1 lines in 1 pairs: fault+mmap", text)


if __name__ == "__main__":
    unittest.main()
