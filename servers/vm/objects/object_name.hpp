// ObjectName: by which file servers know an object: a file, by device and inode number, or a device's blocks as they lie on it.
#pragma once

#include <cstdint>

namespace shoal::vm {

struct ObjectName {
    static constexpr uint64_t kNoInode = 0;
    uint64_t device = 0;
    uint64_t inode = kNoInode;  // kNoInode: the device itself

    [[nodiscard]] constexpr bool is_file() const { return inode != kNoInode; }
    constexpr bool operator==(const ObjectName&) const = default;
};

}  // namespace shoal::vm
