"""Benchmark documents as figures and tables; the mark on runs that measure no scaling."""
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

from shoal import figures, host_facts, serial_log
from shoal.commands import suite
from shoal.main import main

DOCUMENT = {"context": {"num_cpus": 4}, "benchmarks": [
    {"name": "fault_threads/threads:4", "threads": 4, "real_time": 500.0, "time_unit": "ns", "items_per_second": 4e6},
    {"name": "fault_threads/threads:4", "threads": 4, "real_time": 500.0, "time_unit": "ns", "items_per_second": 2e6},
    {"name": "fault_threads/threads:4", "threads": 4, "real_time": 500.0, "time_unit": "ns", "items_per_second": 3e6},
    {"name": "fault_threads/threads:2", "threads": 2, "real_time": 500.0, "time_unit": "ns", "items_per_second": 9e6},
    {"name": "fault_threads/threads:4_median", "run_type": "aggregate", "threads": 4, "real_time": 1.0},
]}


class Figures(unittest.TestCase):
    def test_median_of_repetitions_with_the_most_threads(self) -> None:
        self.assertEqual(figures.figures(DOCUMENT, 4), [figures.Figure("fault_threads", 4, 3e6, 4)])

    def test_names_with_suite_and_kind_of_actor(self) -> None:
        self.assertEqual(figures.name_and_actors({"name": "faults/fault_procs/processes:8"}), ("fault_procs", 8))
        self.assertEqual(figures.name_and_actors({"name": "lookup", "threads": 2}), ("lookup", 2))

    def test_rate_from_time(self) -> None:
        self.assertEqual(figures.rate({"real_time": 2.0, "time_unit": "us"}), 5e5)

    def test_efficiency_against_the_smallest_machine(self) -> None:
        text = figures.table([figures.Figure("x", 1, 100.0), figures.Figure("x", 2, 150.0)])
        self.assertIn("100 %", text)
        self.assertIn("75 %", text)

    def test_more_virtual_than_host_cpus_is_marked(self) -> None:
        cores = host_facts.host_cores()
        text = figures.table([figures.Figure("x", cores, 1.0), figures.Figure("x", cores + 1, 1.0)]).splitlines()
        self.assertNotIn(host_facts.NO_SCALING, text[1])
        self.assertIn(host_facts.NO_SCALING, text[2])

    def test_merge_lists_all_cpu_counts(self) -> None:
        merged = suite.merge([{"context": {"virtual_cpus": n}, "benchmarks": [{"name": str(n)}]} for n in (1, 2)])
        self.assertEqual(merged["context"]["virtual_cpus"], [1, 2])
        self.assertEqual(len(merged["benchmarks"]), 2)


class Collect(unittest.TestCase):
    def collect(self, text: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "console.log"
            log.write_text(text)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = main(["collect", str(log)])
        return code, out.getvalue(), err.getvalue()

    def test_reads_figures_back(self) -> None:
        text = f"SYSTEM shoal 0.1\r\n{serial_log.JSON_BEGIN}\r\n{json.dumps(DOCUMENT)}\r\n{serial_log.JSON_END}\r\n"
        code, out, _ = self.collect(text)
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["context"]["guest_system"], "shoal 0.1")
        self.assertEqual(json.loads(out)["benchmarks"], DOCUMENT["benchmarks"])

    def test_log_without_figures(self) -> None:
        code, _, err = self.collect("nothing\n")
        self.assertNotEqual(code, 0)
        self.assertIn("holds no figures", err)
