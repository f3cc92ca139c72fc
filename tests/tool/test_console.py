"""What the command understands of a guest's console, and how it judges the end of a run."""
import sys
import unittest
from pathlib import Path

from shoal import serial_log
from shoal.errors import ExitCode
from shoal.guest import Ending, Guest


class ScriptedMachine:
    """A machine that is a Python program: what it prints is the console."""

    def __init__(self, script: str, mute: bool = False):
        self.script, self.mute = script, mute

    def prepare(self, folder: Path) -> None:
        pass

    def command(self, folder: Path) -> list[str]:
        return [sys.executable, "-u", "-c", f"import os, sys, time\nFOLDER = {str(folder)!r}\n" + self.script]


class SerialLog(unittest.TestCase):
    def test_escapes_and_line_ends_are_dropped(self) -> None:
        self.assertEqual(serial_log.clean("\x1b[2J\x1b[01;01HShoal\r"), "Shoal")

    def test_results_and_verdicts(self) -> None:
        lines = ["RES fault_threads T=4 ops/thread 2048", "PASS ipc.null", "FAIL vm.map: expected 3, got 4", "PASSED no"]
        self.assertEqual(serial_log.results(lines), [("fault_threads", 4, 2048)])
        self.assertEqual(serial_log.verdicts(lines), [("ipc.null", True, ""), ("vm.map", False, "expected 3, got 4")])

    def test_documents(self) -> None:
        lines = ["x", serial_log.JSON_BEGIN, '{"a":', "1}", serial_log.JSON_END, "y"]
        self.assertEqual(serial_log.benchmark_documents(lines), [{"a": 1}])

    def test_cut_off_document(self) -> None:
        with self.assertRaises(ValueError):
            serial_log.benchmark_documents([serial_log.JSON_BEGIN, "{"])


class Endings(unittest.TestCase):
    def end(self, script: str, timeout: float = 20):
        return Guest(ScriptedMachine(script), timeout).run()

    def test_own_status(self) -> None:
        outcome = self.end("print('shoal: end status 7'); sys.exit(15)")
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.FINISHED, 7))

    def test_panic_wins_over_an_end_line(self) -> None:
        outcome = self.end("print('PANIC: frame freed twice'); print('shoal: end status 0')")
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.PANIC, ExitCode.PANIC))
        self.assertIn("frame freed twice", outcome.describe())

    def test_reset_is_no_success(self) -> None:
        outcome = self.end("print('Shoal starts')")
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.RESET, ExitCode.PANIC))

    def test_time_out_names_the_last_line(self) -> None:
        outcome = self.end("print('waiting for CPU 3'); time.sleep(60)", timeout=5)
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.TIMEOUT, ExitCode.TIMEOUT))
        self.assertIn("waiting for CPU 3", outcome.describe())

    def test_emulator_that_gives_up(self) -> None:
        outcome = self.end("print('bad option', file=sys.stderr); sys.exit(1)")
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.EMULATOR, ExitCode.UNAVAILABLE))
        self.assertIn("bad option", outcome.describe())

    def test_exit_device_speaks_for_a_mute_guest(self) -> None:
        outcome = Guest(ScriptedMachine("print('firmware'); sys.exit(2 * 9 + 1)", mute=True), 20).run()
        self.assertEqual((outcome.ending, outcome.exit_code, outcome.emulator_status), (Ending.FINISHED, 9, 19))
        outcome = Guest(ScriptedMachine("sys.exit(255)", mute=True), 20).run()
        self.assertEqual((outcome.ending, outcome.exit_code), (Ending.PANIC, ExitCode.PANIC))
        self.assertIn("kernel panic", outcome.describe())

    def test_exit_device_counts_for_nothing_where_the_console_speaks(self) -> None:
        for mute in (False, True):
            outcome = Guest(ScriptedMachine("print('shoal: hello'); sys.exit(1)", mute), 20).run()
            self.assertEqual(outcome.ending, Ending.RESET)

    def test_start_comes_before_the_machine_is_followed(self) -> None:
        def let_go(folder: Path) -> None:
            (folder / "go").touch()
        waits = "while not os.path.exists(os.path.join(FOLDER, 'go')): time.sleep(0.01)\nprint('shoal: end status 3')"
        outcome = Guest(ScriptedMachine(waits), 30).run(at_start=let_go)
        self.assertEqual((outcome.ending, outcome.status), (Ending.FINISHED, 3))

    def test_tick_may_end_the_run(self) -> None:
        outcome = Guest(ScriptedMachine("time.sleep(60)"), 30).run(at_tick=lambda folder, console: True)
        self.assertEqual(outcome.ending, Ending.FINISHED)
