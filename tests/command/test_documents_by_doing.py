"""What the documents tell people to do, done: a panic in gdb, a workload's figures read back, an image with options of its own."""
import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import command
from shoal import accelerator, project
from shoal.guest import Ending, Guest
from shoal.machine import Machine, free_port

_LIMIT = 120  # seconds


def gdb_commands() -> list[str]:
    """The block in docs/debugging.md that is typed into gdb, without its remarks."""
    text = (project.ROOT / "docs" / "debugging.md").read_text()
    block = re.search(r"In gdb:\n\n((?:    .+\n)+)", text)[1]
    return [re.split(r"\s{3,}", line.strip())[0] for line in block.splitlines()]


class Debugging(unittest.TestCase):
    def test_a_panic_stops_in_gdb(self) -> None:
        debug = project.image(debug=True).exists()
        port = str(free_port())
        options = ["run", "--no-build", *(["--debug"] if debug else []), "--gdb", port, "--cpus", "2", "--append", "selftest=stack",
                   "--", "hello"]
        commands = [line.replace("PORT", port) for line in gdb_commands()]
        if not debug:
            commands = [line.replace("build/guest-debug/", "build/guest/") for line in commands]
        self.assertTrue(any(line.startswith("target remote") for line in commands))
        with subprocess.Popen([str(project.ROOT / "shoal"), *options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as run:
            self.assertIn(port, run.stderr.readline())
            said = self._gdb(commands)
            run.communicate(timeout=_LIMIT)
        self.assertRegex(said, r"hit Breakpoint 1, .*panic_by_owner")
        self.assertRegex(said, r"Thread 1 .*CPU#0")
        self.assertRegex(said, r"Thread 2 .*CPU#1")

    def _gdb(self, commands: list[str]) -> str:
        """QEMU may still be on its way to the port: gdb tries for so long."""
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "commands"
            script.write_text("\n".join(["set tcp connect-timeout 60", *commands, "kill"]) + "\n")
            return subprocess.run(["gdb", "-nx", "-batch", "-x", str(script)], cwd=project.ROOT, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=_LIMIT, check=False).stdout


class Workload(unittest.TestCase):
    def test_figures_are_read_back_from_the_console(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            log, figures = Path(folder) / "console.log", Path(folder) / "figures.json"
            call = command.run("run", "--no-build", "--cpus", "2", "--", "sample", "rounds=2")
            self.assertEqual(call.code, 0, call.output + call.messages)
            log.write_text(call.output)
            self.assertEqual(command.run("collect", str(log), "-o", str(figures)).code, 0)
            names = [entry["name"] for entry in json.loads(figures.read_text())["benchmarks"]]
        self.assertIn("sample/malloc_threads/threads:2", names)

    def test_an_image_of_its_own_starts_it(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            image = Path(folder) / "mine.iso"
            call = command.run("iso", "--no-build", "--append", "rs.program=hello rs.args=status=9", "-o", str(image))
            self.assertEqual(call.code, 0, call.messages)
            outcome = Guest(Machine(image, accelerator.choose("auto"), 2, medium="usb"), _LIMIT).run()
        self.assertEqual((outcome.ending, outcome.status), (Ending.FINISHED, 9), outcome.describe())
