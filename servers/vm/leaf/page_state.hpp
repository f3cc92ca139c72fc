// PageState: what the pages of a run have in common: whose their frames are, and what may be done to them.
#pragma once

#include <cstdint>

#include "servers/vm/leaf/access.hpp"

namespace shoal::vm {

enum class Ownership : uint8_t {
    Exclusive,    // this leaf alone: no count, nobody to ask
    Shared,       // the frame's count says how many leaves map it. What one writes all read
    CopyOnWrite,  // counted likewise, but nobody writes it: who wants to gets a copy (leaf/copy_on_write.hpp)
    Pinned,       // as Exclusive, and never moved: a device may know the frame
    Joint,        // as Shared, between processes that map_memory has joined: a fork's copy has copies of its own at once
    JointReadOnly,  // likewise, and never to be written through this leaf
    Parting,      // joint till now, and about to be copied (joint/unmap_memory.hpp): who wants to write gets the copy at once
    Device,       // no memory of ours: neither counted, nor charged to a quota, nor to be reached through the window
    Borrowed,     // a memory object's, which has the frame while the region lasts: neither counted nor charged here
    BorrowedReadOnly,  // likewise, and never to be written through this leaf
    BorrowedCopyOnWrite,  // likewise, and who wants to write gets a copy, which is the leaf's own
};

// The leaf has the frame alone.
constexpr bool is_exclusive(Ownership ownership) { return ownership == Ownership::Exclusive || ownership == Ownership::Pinned; }
constexpr bool is_borrowed(Ownership ownership) { return ownership >= Ownership::Borrowed; }
// The leaf has a reference to the frame, and the quota pays for the page.
constexpr bool is_charged(Ownership ownership) { return ownership != Ownership::Device && !is_borrowed(ownership); }
// The leaf has it from another process, or another has it from here.
constexpr bool is_joint(Ownership ownership) {
    return ownership == Ownership::Joint || ownership == Ownership::JointReadOnly || ownership == Ownership::Parting;
}
// Who wants to write gets a copy, which is the leaf's own.
constexpr bool breaks_on_write(Ownership ownership) { return ownership == Ownership::CopyOnWrite || ownership == Ownership::Parting; }
constexpr bool is_never_written(Ownership ownership) {
    return breaks_on_write(ownership) || ownership == Ownership::JointReadOnly || ownership == Ownership::BorrowedReadOnly ||
           ownership == Ownership::BorrowedCopyOnWrite;
}

struct PageState {
    Ownership ownership = Ownership::Exclusive;
    Access access;
    // Of a page in a region that allows so much.
    [[nodiscard]] static constexpr PageState in_region(Ownership ownership, Access allowed) {
        return {ownership, is_never_written(ownership) ? allowed.without_write() : allowed};
    }
    constexpr bool operator==(const PageState&) const = default;
};

}  // namespace shoal::vm
