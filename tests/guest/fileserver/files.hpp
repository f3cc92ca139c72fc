// Files: the program's part as a file server, for a child of its own that maps what it serves.
#pragma once

#include "tests/guest/verdict.hpp"

namespace shoal::test {

void serve_files(Verdict& verdict);
// In the child. Its exit status.
int map_files();

// Memory of another program's, granted and mapped; and that program.
void lend_others_memory(Verdict& verdict);
int be_lent();

}  // namespace shoal::test
