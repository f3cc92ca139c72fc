"""The manual pages of the calls are what abi/generate.py makes of the tables today."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from source_tree import ROOT


class ManualsAreCurrent(unittest.TestCase):
    def test_manuals_follow_the_tables(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, ROOT / "abi" / "generate.py", "--docs", ROOT / "abi", folder], check=True)
            made = sorted(pathlib.Path(folder).iterdir())
            self.assertEqual([page.name for page in made], ["kernel-calls.md", "vm-calls.md"])
            for page in made:
                self.assertEqual((ROOT / "docs" / page.name).read_text(), page.read_text(),
                                 f"docs/{page.name} is out of date: python3 abi/generate.py --docs abi docs")


if __name__ == "__main__":
    unittest.main()
