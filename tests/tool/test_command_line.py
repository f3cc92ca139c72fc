"""The command line: what it refuses, with what words and which exit code; and the QEMU line it makes."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from shoal.accelerator import Accelerator
from shoal.cpu_list import parse_cpu_list
from shoal.errors import ExitCode, ShoalError
from shoal.machine import Machine, check_memory
from shoal.main import COMMANDS, build_parser, main


def run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(list(arguments))
        except SystemExit as exit_:
            code = exit_.code
    return code, out.getvalue(), err.getvalue()


class CommandLine(unittest.TestCase):
    def test_unknown_command_suggests_a_near_one(self) -> None:
        code, _, err = run("bnech")
        self.assertEqual(code, ExitCode.USAGE)
        self.assertIn("did you mean 'bench'?", err)

    def test_unknown_option_says_what_to_do(self) -> None:
        code, _, err = run("run", "--nonsense")
        self.assertEqual(code, ExitCode.USAGE)
        self.assertIn("what to do: ./shoal run --help", err)

    def test_cpu_count_out_of_range(self) -> None:
        code, _, err = run("run", "--dry-run", "--accel", "tcg", "--cpus", "300")
        self.assertEqual(code, ExitCode.USAGE)
        self.assertIn("CPU count out of range", err)

    def test_unknown_test_group(self) -> None:
        code, _, err = run("test", "units")
        self.assertEqual(code, ExitCode.USAGE)
        self.assertIn("unknown test group 'units'", err)

    def test_bad_filter(self) -> None:
        self.assertEqual(run("test", "--list", "--filter", "(")[0], ExitCode.USAGE)

    def test_later_commands_fail_clearly(self) -> None:
        for name in ("compare",):
            code, _, err = run(name)
            self.assertNotEqual(code, 0)
            self.assertIn("comes later", err)

    def test_every_command_has_help(self) -> None:
        for name in COMMANDS:
            code, out, _ = run(name, "--help")
            self.assertEqual(code, 0, name)
            self.assertIn(f"./shoal {name}", out)

    def test_program_arguments_follow_two_dashes(self) -> None:
        options = build_parser().parse_args(["run", "--cpus", "2", "--", "prog", "--x", "3"])
        self.assertEqual(options.program, ["prog", "--x", "3"])


class CpuList(unittest.TestCase):
    def test_counts_and_ranges(self) -> None:
        self.assertEqual(parse_cpu_list("1,2,4"), [1, 2, 4])
        self.assertEqual(parse_cpu_list("8,1-3,2"), [8, 1, 2, 3])

    def test_refusals(self) -> None:
        for text in ("", "0", "256", "4-1", "two", "1,,2", "-1", "1-"):
            with self.assertRaises(ShoalError, msg=text):
                parse_cpu_list(text)


class QemuLine(unittest.TestCase):
    def line(self, **changes) -> list[str]:
        machine = Machine(Path("shoal.iso"), Accelerator("tcg", ""), 4, **changes)
        return machine.command(Path("folder"))

    def test_options_travel_by_fw_cfg_with_commas_doubled(self) -> None:
        line = self.line(options=["rs.program=a", "rs.args=1,2"])
        self.assertIn("name=opt/shoal/append,string=rs.program=a rs.args=1,,2", line)

    def test_no_options_no_fw_cfg(self) -> None:
        self.assertNotIn("-fw_cfg", self.line())

    def test_runs_share_nothing_that_is_written(self) -> None:
        self.assertIn("unix:folder/qmp.sock", " ".join(self.line(uefi=True)))
        for drive in (word for word in self.line(uefi=True) if "pflash" in word):
            self.assertTrue("readonly=on" in drive or "snapshot=on" in drive, drive)

    def test_line_to_run_by_hand_names_no_folder(self) -> None:
        self.assertNotIn("-qmp", Machine(Path("image.iso"), Accelerator("tcg", ""), 1).command())

    def test_gdb_stops_at_the_start(self) -> None:
        line = self.line(gdb_port=1234)
        self.assertIn("tcp:127.0.0.1:1234", line)
        self.assertIn("-S", line)

    def test_a_stick_is_no_cdrom(self) -> None:
        self.assertIn("-cdrom", self.line())
        line = self.line(medium="usb")
        self.assertNotIn("-cdrom", line)
        self.assertIn("usb-storage,drive=stick", line)

    def test_files_of_a_run_lie_in_its_folder(self) -> None:
        machine = Machine(Path("image.iso"), Accelerator("tcg", ""), 1, extra=["-acpitable", "data={folder}/t"], files={"t": b"x"})
        with tempfile.TemporaryDirectory() as name:
            machine.prepare(Path(name))
            self.assertEqual((Path(name) / "t").read_bytes(), b"x")
            self.assertIn(f"data={name}/t", machine.command(Path(name)))

    def test_who_prints_nothing_is_known(self) -> None:
        for options, mute in (([], False), (["console=com2"], False), (["console=fb"], True), (["a=b", "console=none"], True)):
            self.assertEqual(Machine(Path("i"), Accelerator("tcg", ""), 1, options=options).mute, mute, options)

    def test_memory(self) -> None:
        self.assertEqual(check_memory("512M"), "512M")
        for text in ("", "M", "12", "1T", "1.5G", "-1G"):
            with self.assertRaises(ShoalError, msg=text):
                check_memory(text)
