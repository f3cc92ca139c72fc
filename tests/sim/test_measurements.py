"""RES and SIM lines as figures, and figures as the table."""
import unittest

from shoal.errors import ShoalError
from shoal.sim import baselines, table
from shoal.sim.measurements import Measured, measurements, stretches

FULL = "SIM cpu {cpu} cycles {cycles} insns 1000 rdmiss 10 wrmiss 30 remcyc 0 cold 20 irets 100 cr3 200 ipis 5"


def sim(*cycles: int) -> str:
    return "\n".join(FULL.format(cpu=cpu, cycles=value) for cpu, value in enumerate(cycles)) + "\n"


def row(workload: str, cpus: int, actors: int, cycles: float) -> Measured:
    return Measured(workload, cpus, actors, cycles, cycles, cycles, {"instructions": 10.0, "ipis": None})


class Measurements(unittest.TestCase):
    def test_the_slowest_actor_counts_and_counts_are_means(self) -> None:
        found = measurements(["RES x T=2 ops/thread 100"], sim(5000, 7000), 4)
        self.assertEqual(len(found), 1)
        self.assertEqual((found[0].cycles, found[0].actors, found[0].cpus), (70.0, 2, 4))
        self.assertEqual(found[0].counts, {"instructions": 10.0, "misses": 0.4, "cold_lines": 0.2, "exception_returns": 1.0,
                                           "cr3_loads": 2.0, "ipis": 0.05})

    def test_runs_take_their_stretches_in_order(self) -> None:
        found = measurements(["RES x T=1 ops/thread 10", "noise", "RES y T=2 ops/thread 10"], sim(100) + "BLOCK 0 0 90\n" + sim(200, 300), 2)
        self.assertEqual([(each.workload, each.cycles) for each in found], [("x", 10.0), ("y", 30.0)])

    def test_repetitions_are_one_by_their_median(self) -> None:
        found = measurements(["RES x T=1 ops/thread 10"] * 3, sim(100) + sim(900) + sim(300), 1)
        self.assertEqual([(each.cycles_low, each.cycles, each.cycles_high) for each in found], [(10.0, 30.0, 90.0)])

    def test_a_plugin_that_counts_no_ipis(self) -> None:
        found = measurements(["RES x T=1 ops/thread 10"], sim(100).replace(" ipis 5", ""), 1)
        self.assertIsNone(found[0].counts["ipis"])
        self.assertEqual(found[0].counts["misses"], 4.0)

    def test_what_was_not_yet_free_at_the_end(self) -> None:
        lines = ["DEFERRED x T=1 pages 3 objects -2", "RES x T=1 ops/thread 10", "DEFERRED x T=1 pages 1 objects 7", "RES x T=1 ops/thread 10"]
        self.assertEqual(measurements(lines, sim(100) * 2, 1)[0].deferred, (3, 7))
        self.assertIsNone(measurements(lines[1::2], sim(100) * 2, 1)[0].deferred)

    def test_missing_stretches_are_an_error(self) -> None:
        with self.assertRaisesRegex(ShoalError, "1 stretches"):
            measurements(["RES x T=2 ops/thread 10"], sim(100), 2)

    def test_other_lines_are_no_stretches(self) -> None:
        self.assertEqual(stretches("SIM card\nSIM cpu 0 cycles\nqemu: warning\n"), [])


class Table(unittest.TestCase):
    def test_efficiency_is_against_one_actor_on_the_largest_machine(self) -> None:
        rows = [row("x", 1, 1, 50.0), row("x", 16, 1, 100.0), row("x", 16, 16, 200.0)]
        self.assertEqual(table.efficiency(rows[2], rows), 0.5)
        self.assertEqual(table.efficiency(rows[0], rows), 2.0)

    def test_efficiency_needs_one_actor(self) -> None:
        rows = [row("x", 4, 4, 50.0)]
        self.assertIsNone(table.efficiency(rows[0], rows))

    def test_the_largest_machine_comes_first(self) -> None:
        rows = [row("x", 1, 1, 1.0), row("y", 1, 1, 1.0), row("x", 4, 1, 1.0), row("x", 4, 4, 1.0)]
        self.assertEqual([(each.workload, each.cpus, each.actors) for each in table.ordered(rows)],
                         [("x", 4, 1), ("x", 4, 4), ("x", 1, 1), ("y", 1, 1)])

    def test_other_systems_stand_beside(self) -> None:
        text = table.table([row("fault_threads", 1, 1, 2000.0), row("fault_threads", 2, 2, 2000.0)], baselines.load())
        head, alone = text.splitlines()[0], text.splitlines()[-1]
        self.assertIn("Linux", head)
        self.assertNotIn("seL4", head)
        self.assertIn("4771", alone)


class Baselines(unittest.TestCase):
    def test_every_system_says_where_its_figures_come_from(self) -> None:
        for system in baselines.load():
            self.assertTrue(system.version and system.source, system.name)
            self.assertTrue(all(value > 0 for cycles in system.cycles.values() for value in cycles.values()))

    def test_what_was_not_measured_is_none(self) -> None:
        linux = baselines.load()[0]
        self.assertIsNone(linux.at("fault_threads", 3))
        self.assertIsNone(linux.at("no_workload", 1))


if __name__ == "__main__":
    unittest.main()
