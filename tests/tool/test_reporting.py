"""The test run's own report: counts, exit, JUnit; and clang's line for the lock analysis."""
import io
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

from shoal.testing import answers_suite, lock_suite
from shoal.testing.boot_case import ends_well
from shoal.testing.reporter import Reporter, Result
from shoal.testing.settings import Settings, compile_filter
from shoal.guest import Ending, Outcome


class Answers(unittest.TestCase):
    def test_names_what_no_test_has_had(self) -> None:
        answered = {"brk NoMemory", "brk None", "munmap Invalid"}
        self.assertEqual(answers_suite.missing("brk", ["NoMemory"], answered), [])
        self.assertEqual(answers_suite.missing("munmap", ["BadAddress", "Invalid", "NoMemory"], answered), ["BadAddress", "NoMemory"])

    def test_has_a_case_for_each_call_that_can_fail(self) -> None:
        cases = answers_suite.AnswersSuite().cases()
        self.assertIn("model/answers/mmap", cases)


class Reports(unittest.TestCase):
    def report(self, *results: Result) -> tuple[bool, list[str], Reporter]:
        stream = io.StringIO()
        reporter = Reporter(stream)
        for result in results:
            reporter.add(result)
        return reporter.finish(None), stream.getvalue().splitlines(), reporter

    def test_last_line_counts(self) -> None:
        good, lines, _ = self.report(Result("unit/a/x", True), Result("unit/a/y", False, reason="1 is not 2"))
        self.assertFalse(good)
        self.assertEqual(lines[-1], "1 passed, 1 failed")
        self.assertIn("not ok 2 unit/a/y # 0.00 s", lines)
        self.assertIn("#   reason: 1 is not 2", lines)

    def test_no_case_is_no_success(self) -> None:
        good, lines, _ = self.report()
        self.assertFalse(good)
        self.assertEqual(lines[-1], "0 passed, 0 failed")

    def test_missing_parts_do_not_count(self) -> None:
        stream = io.StringIO()
        reporter = Reporter(stream)
        reporter.missing("boot/guest", "no image")
        reporter.add(Result("unit/a/x", True))
        self.assertTrue(reporter.finish(None))
        self.assertIn("not tested: boot/guest", stream.getvalue())
        self.assertTrue(stream.getvalue().endswith("1 passed, 0 failed\n"))

    def test_junit(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "deep" / "junit.xml"
            reporter = Reporter(io.StringIO())
            reporter.add(Result("boot/matrix/a", False, reason="PANIC: \x1b x"))
            reporter.finish(str(file))
            suite = ElementTree.parse(file).getroot().find("testsuite")
            self.assertEqual((suite.get("name"), suite.get("failures")), ("boot/matrix", "1"))


class Filters(unittest.TestCase):
    def test_suites_that_cannot_match_are_not_built(self) -> None:
        one = Settings(1, compile_filter("^unit/dev/List"))
        self.assertTrue(one.might_want("unit/dev/"))
        self.assertTrue(one.might_want("unit/"))
        self.assertFalse(one.might_want("unit/asan/"))
        self.assertTrue(Settings(1, compile_filter("List")).might_want("unit/asan/"))

    def test_reproduce_names_one_case(self) -> None:
        line = Settings(7).reproduce("boot", "boot/matrix/a.b")
        self.assertEqual(line, r"./shoal test boot --seed 7 --filter '^boot/matrix/a\.b$'")


class Verdicts(unittest.TestCase):
    def outcome(self, ending: Ending, status: int, *lines: str) -> Outcome:
        return Outcome(ending, status, list(lines), 1.0)

    def test_ends_well(self) -> None:
        self.assertEqual(ends_well(self.outcome(Ending.FINISHED, 0, "PASS a")), "")
        self.assertIn("b: why", ends_well(self.outcome(Ending.FINISHED, 0, "FAIL b: why")))
        self.assertNotEqual(ends_well(self.outcome(Ending.FINISHED, 3)), "")
        self.assertNotEqual(ends_well(self.outcome(Ending.TIMEOUT, 0)), "")


class LockAnalysis(unittest.TestCase):
    def test_command_keeps_includes_and_drops_the_rest(self) -> None:
        entry = {"command": "/usr/bin/c++ -I/x -DA=1 -std=gnu++20 -Wlogical-op -ftrivial-auto-var-init=zero -fsanitize=thread "
                            "-o out.o -c /x/a.cpp"}
        words = lock_suite.analysis_command(entry)
        for kept in ("-I/x", "-DA=1", "-std=gnu++20", "/x/a.cpp", "-Wthread-safety", "-fsyntax-only"):
            self.assertIn(kept, words)
        for dropped in ("-o", "out.o", "-Wlogical-op", "-ftrivial-auto-var-init=zero", "-fsanitize=thread"):
            self.assertNotIn(dropped, words)
