"""The rules, applied to the tree. Each failure lists every place."""
import unittest

import code_rules
import include_rules
import shape_rules
from source_tree import ROOT, read_tree


class TreeKeepsTheRules(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.tree = read_tree()

    def expect_none(self, findings) -> None:
        if findings:
            self.fail("\n".join(map(str, findings)))

    def test_dependencies_point_one_way(self) -> None:
        self.expect_none(include_rules.check_direction(self.tree))

    def test_includes_are_written_from_the_top(self) -> None:
        self.expect_none(include_rules.check_from_top(self.tree))

    def test_no_include_cycles(self) -> None:
        self.expect_none(include_rules.check_cycles(self.tree))

    def test_files_are_short(self) -> None:
        self.expect_none(shape_rules.check_length(self.tree))

    def test_components_have_readmes(self) -> None:
        self.expect_none(shape_rules.check_readmes(self.tree))

    def test_sources_are_listed_in_cmake(self) -> None:
        self.expect_none(shape_rules.check_listed(self.tree))

    def test_links_lead_somewhere(self) -> None:
        self.expect_none(shape_rules.check_links(self.tree, lambda path: (ROOT / path).exists()))

    def test_assembly_is_where_it_belongs(self) -> None:
        self.expect_none(code_rules.check_assembly(self.tree))

    def test_atomics_name_their_partners(self) -> None:
        self.expect_none(code_rules.check_pairs(self.tree))

    def test_no_paths_of_a_machine(self) -> None:
        self.expect_none(code_rules.check_machine_paths(self.tree))


if __name__ == "__main__":
    unittest.main()
