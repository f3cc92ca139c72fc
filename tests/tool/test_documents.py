"""What the documents quote is what the programs say."""
import re
import unittest

from shoal import project
from shoal.main import COMMANDS


class Documents(unittest.TestCase):
    def sources(self) -> str:
        files = [project.ROOT / "shoal", *sorted((project.ROOT / "tools" / "shoal").rglob("*.py"))]
        for folder in ("boot", "kernel", "servers"):
            files += sorted((project.ROOT / folder).rglob("*.cpp"))
        text = "\n".join(file.read_text() for file in files)
        return re.sub(r'"\s*\n\s*f?"', "", text)  # strings that go on over lines

    def test_quoted_messages_exist(self) -> None:
        sources = self.sources()
        headings = re.findall(r"^### `(.+)`$", (project.ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE)
        self.assertGreater(len(headings), 5)
        for heading in headings:
            for part in filter(None, (part.strip(" :'()") for part in heading.split("..."))):
                words = part.removesuffix(" after")
                self.assertIn(words, sources, f"no program says '{heading}'")

    def test_what_a_person_meets_is_explained(self) -> None:
        """Every refusal of the command that names what is missing has its paragraph."""
        text = (project.ROOT / "docs" / "troubleshooting.md").read_text()
        for words in ("no QEMU", "no KVM", "unknown option", "CPU count out of range", "image missing", "kernel panic", "time-out",
                      "there is no sudo", "no apt-get", "no UEFI firmware"):
            self.assertRegex(text, rf"(?m)^### `.*{re.escape(words)}")

    def test_sample_workload_is_the_one_that_is_built(self) -> None:
        source = (project.ROOT / "bench" / "guest" / "sample" / "main.cpp").read_text()
        document = (project.ROOT / "docs" / "workload.md").read_text()
        code = source[source.index("#include"):]
        indented = "".join(f"       {line}" if line.strip() else line for line in code.splitlines(keepends=True))
        self.assertIn(indented, document)

    def test_named_commands_exist(self) -> None:
        for document in ["README.md", "CONTRIBUTING.md", *(f"docs/{f.name}" for f in (project.ROOT / "docs").glob("*.md"))]:
            for name in re.findall(r"\./shoal ([a-z]+)", (project.ROOT / document).read_text()):
                self.assertIn(name, COMMANDS, document)
