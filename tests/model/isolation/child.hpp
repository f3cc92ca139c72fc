// Runs a piece of a test in a child process, so that an assertion which fails in the system under test, a sanitizer's report, a
// crash or an endless loop is a failure that the test can tell of, count and shrink like any other.
#pragma once

#include <functional>
#include <string>

namespace shoal::model {

// What `body` returned; if it did not return, how it died and the end of what it had written to stderr. The caller runs no other
// thread. `body` sees the parent's memory as it was, and leaves what it changes in Shared objects only.
std::string run_in_child(const std::function<std::string()>& body);

// In a child: it is ended when this has not been called again for so long (processor time: the machine may be busy with other
// tests). It then "does not end".
void expect_progress_within(unsigned seconds);

}  // namespace shoal::model
