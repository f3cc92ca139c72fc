// The part of AvlTree that does not depend on the element's type: links, rotations, rebalancing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/assert.hpp"

namespace shoal {

enum class AvlSide : uint8_t { Left = 0, Right = 1 };
constexpr AvlSide other(AvlSide side) {
    return side == AvlSide::Left ? AvlSide::Right : AvlSide::Left;
}

// What an element embeds: three words and a byte. Child pointers are read by racing searches.
class AvlHook {
  public:
    AvlHook() = default;
    AvlHook(const AvlHook&) = delete;
    AvlHook& operator=(const AvlHook&) = delete;

    [[nodiscard]] AvlHook* child(AvlSide side) const {
        // acquire pairs with the release in set_child(): the node's contents come with its address
        return child_[static_cast<size_t>(side)].load(std::memory_order_acquire);
    }

  private:
    friend class AvlCore;
    void set_child(AvlSide side, AvlHook* hook) {
        // release pairs with child()
        child_[static_cast<size_t>(side)].store(hook, std::memory_order_release);
    }

    std::atomic<AvlHook*> child_[2] = {};
    AvlHook* parent_ = nullptr;
    int8_t balance_ = 0;  // height(right) - height(left)
};

class AvlCore {
  public:
    AvlCore() = default;
    AvlCore(const AvlCore&) = delete;
    AvlCore& operator=(const AvlCore&) = delete;

    [[nodiscard]] AvlHook* root() const {
        return root_.load(std::memory_order_acquire);  // pairs with replace_child()
    }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] AvlHook* outermost(AvlSide side) const;
    // In-order neighbour, nullptr at the end.
    static AvlHook* neighbour(const AvlHook& hook, AvlSide side);

    // parent: the node under which it hangs on that side, where there is no child yet; nullptr: the tree is empty.
    void insert(AvlHook& hook, AvlHook* parent, AvlSide side);
    void remove(AvlHook& hook);
    [[nodiscard]] bool sound() const;

  private:
    void replace_child(AvlHook* parent, AvlHook* old_child, AvlHook* new_child);
    AvlHook* rotate(AvlHook& top, AvlSide towards);
    AvlHook* rebalance(AvlHook& top);
    void detach(AvlHook& hook);
    void swap_with_successor(AvlHook& hook);
    void grown(AvlHook* child);
    void shrunk(AvlHook* parent, AvlSide side);
    static int checked_height(const AvlHook* hook, const AvlHook* parent, bool& sound,
                              size_t& nodes);

    std::atomic<AvlHook*> root_{nullptr};
    size_t size_ = 0;
};

}  // namespace shoal
