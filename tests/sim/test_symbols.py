"""Addresses as functions and objects; programs told apart by their code."""
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from shoal.sim import objects, symbols
from shoal.sim.symbols import Image, Images

SOURCE = """
.globl first, second, table
.text
first: mov ${value}, %eax
       ret
.size first, . - first
second: nop
       ret
.size second, . - second
.data
table: .quad 1, 2, {value}
.size table, . - table
"""


def link(folder: Path, name: str, value: int) -> Image:
    source, file = folder / f"{name}.s", folder / name
    source.write_text(SOURCE.format(value=value))
    subprocess.run(["cc", "-nostdlib", "-static", "-no-pie", "-Wl,-e,first", "-Wl,-Ttext=0x401000", "-Wl,-Tdata=0x402000",
                    "-o", str(file), str(source)], check=True, capture_output=True)
    return Image(name, file)


@unittest.skipUnless(shutil.which("cc"), "there is no compiler")
class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        with tempfile.TemporaryDirectory() as folder:
            cls.one, cls.two = link(Path(folder), "one", 1), link(Path(folder), "two", 2)
        cls.images = Images({"one": cls.one, "two": cls.two})

    def test_functions(self) -> None:
        self.assertEqual(self.one.function(0x401000), "first")
        self.assertEqual(self.one.function(0x401005), "first")
        self.assertEqual(self.one.function(0x401006), "second")
        self.assertIsNone(self.one.function(0x400fff))
        self.assertIsNone(self.one.function(0x401008))

    def test_objects_and_offsets(self) -> None:
        self.assertEqual(self.one.data(0x402000), "table")
        self.assertEqual(self.one.data(0x402008), "table+0x8")
        self.assertIsNone(self.one.data(0x402018))
        self.assertEqual(objects.name(0x402010, 0x2010, self.one, None, {}), "one: table+0x10")

    def test_code_tells_programs_apart(self) -> None:
        for image, value in ((self.one, 1), (self.two, 2)):
            self.assertIs(self.images.of_code(0x401000, bytes([0xb8, value, 0, 0, 0])), image)
        self.assertIsNone(self.images.of_code(0x401000, bytes([0xb8, 3, 0, 0, 0])))
        self.assertIsNone(self.images.of_code(0xffffffff80000000, b"\x90"))


class Names(unittest.TestCase):
    def test_short_names(self) -> None:
        for full, expected in (("shoal::vm::Leaf::link(shoal::CpuId)", "Leaf::link"),
                               ("shoal::kernel::(anonymous namespace)::leave()", "leave"),
                               ("void shoal::vm::visit<shoal::vm::Run<int> >(int)", "visit"),
                               ("shoal::vm::AvlTree<Run, &Run::hook>::insert(Run&)", "AvlTree::insert"),
                               ("memcpy", "memcpy")):
            self.assertEqual(symbols.short(full), expected)

    def test_what_no_symbol_covers(self) -> None:
        self.assertIn("kernel memory, 0xffff800000001240", objects.name(0xffff800000001248, 0x1248, None, None, {}))
        self.assertIn("CPU-local", objects.name(0xffffffffc0001008, 0x1008, None, None, {}))
        self.assertIn("user: memory at 0x1200", objects.name(0x1208, 0x208, None, None, {}))
        self.assertEqual(objects.name(0x1208, 0x208, None, None, {0x208: "Leaf.lock"}), "Leaf.lock")


if __name__ == "__main__":
    unittest.main()
