// Takes a segment's lock while the token says that a leaf is held: refused by the compiler. See CMakeLists.txt.
#include "base/lock/guard.hpp"

void inverted(const shoal::Held<shoal::VmRank::Leaf>& held,
              shoal::SpinLock<shoal::VmRank::Segment>& segment) {
    shoal::Guard guard{held, segment};
}
