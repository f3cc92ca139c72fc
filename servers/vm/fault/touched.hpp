// What came of touching a page.
#pragma once

#include <cstdint>

namespace shoal::vm {

class Leaf;

enum class Touch : uint8_t {
    Mapped,    // a new page, or a right added
    Spurious,  // nothing was missing in the table
    NoRegion,  // nothing is mapped there
    Denied,    // the mapping does not allow the access, or it is the guard page
    NoMemory,  // frames or quota have run out; nothing has changed
    Parked,    // the receipt was put aside, and will be dispatched again
    Unreadable,  // a file's, and the file server could not read it: the receipt says why
    Absent,    // internal: a file's, and to be read first
    Raced,     // internal: try again
};

struct Touched {
    Touch outcome;
    Leaf* leaf = nullptr;      // Mapped, Spurious: valid until the next quiescent state
    bool new_to_cpu = false;   // the leaf's table was not yet linked for this CPU; its bit is set now
    [[nodiscard]] bool usable() const { return outcome == Touch::Mapped || outcome == Touch::Spurious; }
};

// Whose access it is.
enum class Toucher : uint8_t {
    User,  // a thread on this CPU, whose tables will get the leaf's linked
    Vm,    // VM itself, through its window
};

}  // namespace shoal::vm
