"""Two at a time: runs that share nothing, builds that wait for each other; and gdb's port."""
import re
import socket
import subprocess
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

import command
from shoal import build, project

_PORT = re.compile(r"target remote 127\.0\.0\.1:(\d+)")
_RUN = [str(project.ROOT / "shoal"), "run", "--no-build", "--cpus", "1"]


class SideBySide(unittest.TestCase):
    def test_runs(self) -> None:
        with ThreadPoolExecutor(3) as pool:
            calls = list(pool.map(lambda status: command.run("run", "--no-build", "--cpus", "2", "--", "hello",
                                                             f"status={status}"), (1, 2, 3)))
        self.assertEqual([call.code for call in calls], [1, 2, 3])
        for status, call in enumerate(calls, start=1):
            self.assertEqual(re.findall(r"end status (\d+)", call.output), [str(status)])

    def test_builds_of_one_tree_wait(self) -> None:
        entered = threading.Event()

        def build_too() -> None:
            with build.alone("side-by-side"):
                entered.set()

        with build.alone("side-by-side"):
            other = threading.Thread(target=build_too)
            other.start()
            self.assertFalse(entered.wait(0.5))
        other.join(10)
        self.assertTrue(entered.is_set())
        (project.BUILD / "side-by-side.lock").unlink()


class Gdb(unittest.TestCase):
    def test_each_run_has_a_port_of_its_own_and_waits_there(self) -> None:
        runs = [subprocess.Popen([*_RUN, "--gdb", "--", "hello"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for _ in range(2)]
        try:
            ports = [int(_PORT.search(run.stderr.readline())[1]) for run in runs]
            self.assertNotEqual(*ports)
            for port in ports:
                self.assertRegex(_ask(port, b"$?#3f"), rb"\$[ST]05")  # stopped, by a trap
        finally:
            for run in runs:
                run.terminate()
                run.communicate()
        self.assertEqual([run.returncode for run in runs], [130, 130])


def _ask(port: int, packet: bytes) -> bytes:
    """The answer of QEMU's gdb stub to one packet of the remote protocol; QEMU may still be starting."""
    for _ in range(100):
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(packet)
                answer = b""
                while b"#" not in answer:
                    answer += connection.recv(256)
                return answer
        except ConnectionRefusedError:
            threading.Event().wait(0.1)
    return b""
