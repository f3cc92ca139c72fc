#pragma once

namespace shoal::libc {

// The strings behind the arguments on the initial stack, ended by a null pointer.
extern char** environment;

}  // namespace shoal::libc
