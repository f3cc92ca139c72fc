"""Each rule on small samples: what it must find, and what it must let pass."""
import unittest

import code_rules
import include_rules
import shape_rules
from source_tree import without_comments


class IncludeRules(unittest.TestCase):
    def test_core_must_not_include_smp(self) -> None:
        tree = {"kernel/core/thread.hpp": '#include "kernel/smp/apic.hpp"\n'}
        self.assertEqual(len(include_rules.check_direction(tree)), 1)

    def test_smp_may_include_core_and_base(self) -> None:
        tree = {"kernel/smp/a.cpp": '#include "kernel/core/b.hpp"\n#include "base/c.hpp"\n#include <cstdint>\n'}
        self.assertEqual(include_rules.check_direction(tree), [])

    def test_servers_must_not_include_each_other(self) -> None:
        self.assertEqual(len(include_rules.check_direction({"servers/rs/a.cpp": '#include "servers/pm/b.hpp"\n'})), 1)

    def test_components_must_not_include_tests(self) -> None:
        self.assertEqual(len(include_rules.check_direction({"servers/vm/a.cpp": '#include "tests/support/b.hpp"\n'})), 1)

    def test_cycle_is_found_once_with_its_way(self) -> None:
        tree = {"base/a.hpp": '#include "base/b.hpp"\n', "base/b.hpp": '#include "base/a.hpp"\n'}
        findings = include_rules.check_cycles(tree)
        self.assertEqual(len(findings), 1)
        self.assertIn("base/a.hpp -> base/b.hpp -> base/a.hpp", findings[0].text)

    def test_a_diamond_is_no_cycle(self) -> None:
        tree = {"base/a.hpp": '#include "base/b.hpp"\n#include "base/c.hpp"\n', "base/b.hpp": '#include "base/d.hpp"\n',
                "base/c.hpp": '#include "base/d.hpp"\n', "base/d.hpp": ""}
        self.assertEqual(include_rules.check_cycles(tree), [])

    def test_relative_include_is_refused(self) -> None:
        self.assertEqual(len(include_rules.check_from_top({"base/a.hpp": '#include "../b.hpp"\n'})), 1)


class ShapeRules(unittest.TestCase):
    def test_long_file(self) -> None:
        self.assertEqual(len(shape_rules.check_length({"base/a.hpp": "\n" * 701, "base/b.hpp": "", "base/c.hpp": ""})), 1)

    def test_median(self) -> None:
        self.assertEqual(len(shape_rules.check_length({"base/a.hpp": "\n" * 101})), 1)

    def test_readme_missing_and_misordered(self) -> None:
        good = "".join(f"## {heading}\n\ntext\n\n" for heading in shape_rules.HEADINGS)
        tree = {"base/a.hpp": "", "base/README.md": good, "boot/a.cpp": "", "servers/vm/a.cpp": "",
                "servers/vm/README.md": good.replace("## Tests\n", "")}
        self.assertEqual([f.path for f in shape_rules.check_readmes(tree)], ["boot/README.md", "servers/vm/README.md"])

    def test_source_listed_in_a_folder_above(self) -> None:
        tree = {"base/CMakeLists.txt": "add_library(base lock/a.cpp)", "base/lock/a.cpp": "", "base/lock/ba.cpp": ""}
        self.assertEqual([f.path for f in shape_rules.check_listed(tree)], ["base/lock/ba.cpp"])

    def test_source_listed_by_a_loop(self) -> None:
        tree = {"base/CMakeLists.txt": "foreach(name a b)\n  add_executable(${name} ${name}/main.cpp)\nendforeach()",
                "base/a/main.cpp": "", "base/b/main.cpp": "", "base/c/main.cpp": ""}
        self.assertEqual([f.path for f in shape_rules.check_listed(tree)], ["base/c/main.cpp"])

    def test_dead_link(self) -> None:
        tree = {"docs/a.md": "[one](b.md) [two](../README.md#part) [three](https://example.org)"}
        findings = shape_rules.check_links(tree, lambda path: path == "README.md")
        self.assertEqual([f.text for f in findings], ["the link to b.md leads nowhere"])


class CodeRules(unittest.TestCase):
    def test_assembly_in_core(self) -> None:
        self.assertEqual(len(code_rules.check_assembly({"kernel/core/a.cpp": 'asm volatile("pause");'})), 1)

    def test_the_word_in_a_comment_is_no_assembly(self) -> None:
        self.assertEqual(code_rules.check_assembly({"kernel/core/a.cpp": "// asm (\"x\") is not allowed\n"}), [])

    def test_program_must_not_use_privileged_instructions(self) -> None:
        tree = {"libc-min/a.hpp": 'asm volatile("syscall");\n', "libc-min/b.hpp": 'asm volatile("wrmsr");\n'}
        self.assertEqual([f.path for f in code_rules.check_assembly(tree)], ["libc-min/b.hpp"])

    def test_atomic_without_partner(self) -> None:
        bare = "int v = x.load(std::memory_order_acquire);\n"
        tree = {"base/a.hpp": bare, "base/b.hpp": "// pairs with the store in c()\n" + bare,
                "base/c.hpp": "int v = x.load(std::memory_order_relaxed);\n"}
        self.assertEqual([f.path for f in code_rules.check_pairs(tree)], ["base/a.hpp"])

    def test_partner_far_above_does_not_count(self) -> None:
        text = "// pairs with y\n" + "\n" * 12 + "x.store(1, std::memory_order_release);\n"
        self.assertEqual(len(code_rules.check_pairs({"base/a.hpp": text})), 1)

    def test_path_of_a_machine(self) -> None:
        tree = {"docs/a.md": "see /home/someone/x and /proc/self", "docs/b.md": "the folder build/home/x"}
        self.assertEqual([f.path for f in code_rules.check_machine_paths(tree)], ["docs/a.md"])

    def test_comments_and_strings_are_blanked(self) -> None:
        bare = without_comments('a /* b\nc */ "d//e" f // g\n1\'000 h')
        self.assertEqual(bare.count("\n"), 2)
        for gone in "bcdeg":
            self.assertNotIn(gone, bare)
        for kept in "afh":
            self.assertIn(kept, bare)


if __name__ == "__main__":
    unittest.main()
