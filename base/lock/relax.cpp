#include "base/lock/lock_context.hpp"

namespace shoal {

__attribute__((weak)) void relax_while_spinning(LockContext&) {}

}  // namespace shoal
