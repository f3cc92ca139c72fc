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
    Device,       // no memory of ours: neither counted, nor charged to a quota, nor to be reached through the window
};

// The leaf has the frame alone.
constexpr bool is_exclusive(Ownership ownership) { return ownership == Ownership::Exclusive || ownership == Ownership::Pinned; }
// The quota pays for such a page.
constexpr bool is_charged(Ownership ownership) { return ownership != Ownership::Device; }

struct PageState {
    Ownership ownership = Ownership::Exclusive;
    Access access;
    // Of a page in a region that allows so much.
    [[nodiscard]] static constexpr PageState in_region(Ownership ownership, Access allowed) {
        return {ownership, ownership == Ownership::CopyOnWrite ? allowed.without_write() : allowed};
    }
    constexpr bool operator==(const PageState&) const = default;
};

}  // namespace shoal::vm
