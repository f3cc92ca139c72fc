"""What is said when something is missing, and what works for a user who is not root and has nothing but the source."""
import shutil
import unittest
from pathlib import Path

import command
from shoal import accelerator, project
from shoal.errors import ExitCode

class Refusals(unittest.TestCase):
    def refused(self, call: command.Call, code: ExitCode, *words: str) -> None:
        self.assertEqual(call.code, code, call.output + call.messages)
        for expected in (*words, "what to do: "):
            self.assertIn(expected, call.messages)
        self.assertNotIn("Traceback", call.messages)

    def test_no_qemu(self) -> None:
        call = command.run("run", "--no-build", "--", "hello", env=command.without_programs("qemu-system-x86_64"))
        self.refused(call, ExitCode.UNAVAILABLE, "no QEMU: qemu-system-x86_64 is not in the PATH", "./shoal setup")

    def test_no_kvm(self) -> None:
        if accelerator.choose("auto").name == "kvm":
            self.assertEqual(command.run("run", "--no-build", "--accel", "kvm", "--", "hello").code, 0)
        else:
            self.refused(command.run("run", "--no-build", "--accel", "kvm", "--", "hello"), ExitCode.UNAVAILABLE, "no KVM: ",
                         "--accel tcg")

    def test_no_image(self) -> None:
        with command.Tree() as root:
            self.refused(command.run("run", "--no-build", "--", "hello", root=root), ExitCode.UNAVAILABLE, "image missing: ",
                         "./shoal iso")

    def test_cpu_counts(self) -> None:
        for count, words in (("0", "CPU count out of range"), ("257", "CPU count out of range"), ("two", "is not a CPU count")):
            self.refused(command.run("run", "--cpus", count, "--", "hello"), ExitCode.USAGE, words)

    def test_unknown_option_and_value(self) -> None:
        self.refused(command.run("run", "--fast"), ExitCode.USAGE, "unknown option: --fast", "./shoal run --help")
        self.refused(command.run("run", "--accel", "xen"), ExitCode.USAGE, "invalid choice: 'xen'")
        self.refused(command.run("run", "--mem", "lots"), ExitCode.USAGE, "not an amount of memory")
        self.refused(command.run("run", "--timeout", "-1"), ExitCode.USAGE, "--timeout")
        self.refused(command.run("run", "--gdb", "70000", "--", "hello"), ExitCode.USAGE, "--gdb")

    def test_results_that_cannot_be_written(self) -> None:
        call = command.run("run", "--no-build", "--json", "/nowhere/figures.json")
        self.refused(call, ExitCode.USAGE, "/nowhere")
        self.assertNotIn("suite", call.messages.split("error:")[0])  # refused before the suite ran, not after

    def test_a_program_missing_from_path_is_named_with_its_package(self) -> None:
        call = command.run("doctor", env=command.without_programs("xorriso", "mformat"))
        self.assertEqual(call.code, ExitCode.FAILED)
        for package in ("xorriso", "mtools"):
            self.assertIn(f"package {package} is missing", call.output)
            self.assertIn(f"apt-get install {package}", call.output)

    def test_no_python(self) -> None:
        pythons = {path.name for place in command.SYSTEM_PATH.split(":") for path in Path(place).glob("python3*")}
        without = command.without_programs("sudo", *pythons)
        with command.Tree() as root:
            call = command.run("run", root=root, **command.somebody_else() | {"env": without})
        self.refused(call, ExitCode.UNAVAILABLE, "there is no python3, this is not root and there is no sudo",
                     "as root: apt-get install --yes --no-install-recommends python3")

    def test_no_sudo(self) -> None:
        with command.Tree() as root:
            call = command.run("setup", root=root, **command.somebody_else() | {"env": command.without_programs("xorriso", "sudo")})
        self.refused(call, ExitCode.UNAVAILABLE, "packages are missing (xorriso), this is not root and there is no sudo",
                     "apt-get install --yes --no-install-recommends xorriso")


class NotRoot(unittest.TestCase):
    def test_dry_run_prints_the_line(self) -> None:
        with command.Tree() as root:
            call = command.run("run", "--dry-run", "--uefi", "--append", "ipc=trap", "--gdb", "1234", "--", "hello", "x",
                               root=root, **command.somebody_else())
        self.assertEqual(call.code, 0, call.messages)
        lines = call.output.splitlines()
        self.assertEqual(len(lines), 3)  # one for each of 1, 2, 4 CPUs
        for words in ("qemu-system-x86_64", "OVMF_CODE", "rs.program=hello rs.args=x ipc=trap", "tcp:127.0.0.1:1234"):
            self.assertIn(words, lines[0])

    def test_a_boot(self) -> None:
        with command.Tree() as root:
            image = root / "build" / "guest" / "shoal.iso"
            image.parent.mkdir(parents=True)
            shutil.copy(project.image(), image)
            (root / "build").chmod(0o777)
            call = command.run("run", "--no-build", "--uefi", "--cpus", "2", "--append", "log=debug", "--", "hello", "status=6",
                               root=root, **command.somebody_else())
        self.assertEqual(call.code, 6, call.output + call.messages)
        self.assertIn("UEFI map", call.output)

    def test_doctor(self) -> None:
        with command.Tree() as root:
            call = command.run("doctor", root=root, **command.somebody_else())
        self.assertEqual(call.code, 0, call.output + call.messages)
        self.assertIn("accelerator ", call.output)
