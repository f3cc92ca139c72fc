"""What ./shoal run ends with: the program's own status, 124 for a time-out, 70 for a panic."""
import unittest

import command
from shoal.errors import ExitCode


class ExitCodes(unittest.TestCase):
    def hello(self, *arguments: str, options: tuple[str, ...] = ()) -> command.Call:
        return command.run("run", "--no-build", "--cpus", "2", *options, "--", "hello", *arguments)

    def test_the_program_s_own(self) -> None:
        for status in (0, 7, 127, 255):
            call = self.hello(f"status={status}")
            self.assertEqual(call.code, status, call.output + call.messages)
            self.assertIn(f"argument 1: status={status}", call.output)

    def test_a_program_that_dies_of_a_fault(self) -> None:
        call = self.hello("fault=1")
        self.assertEqual(call.code, 139, call.output + call.messages)
        self.assertIn("hello killed: bad address at address 0x8", call.output)

    def test_the_first_failure_of_several_runs(self) -> None:
        call = command.run("run", "--no-build", "--cpus", "1,2", "--", "hello", "status=3")
        self.assertEqual(call.code, 3)
        self.assertEqual(call.output.count("shoal: end status 3"), 2)

    def test_a_time_out(self) -> None:
        call = self.hello(options=("--timeout", "0.5"))
        self.assertEqual(call.code, ExitCode.TIMEOUT, call.messages)
        self.assertRegex(call.messages, r"time-out after \d+\.\d s")
        self.assertIn("what to do:", call.messages)

    def test_a_panic(self) -> None:
        call = self.hello(options=("--append", "selftest=stack"))
        self.assertEqual(call.code, ExitCode.PANIC, call.messages)
        self.assertIn("PANIC: CPU 1: kernel stack overflow", call.output)
        self.assertIn("kernel panic after", call.messages)
        self.assertIn("docs/debugging.md", call.messages)

    def test_a_program_that_is_not_there(self) -> None:
        call = command.run("run", "--no-build", "--", "no-such-program")
        self.assertEqual(call.code, ExitCode.USAGE)
        self.assertIn("no program 'no-such-program' in the image", call.messages)
        self.assertIn("it has: ", call.messages)

    def test_uefi(self) -> None:
        call = self.hello("status=4", options=("--uefi",))
        self.assertEqual(call.code, 4, call.messages)
        self.assertIn("UEFI map", call.output)
