#include "base/containers/avl_core.hpp"

namespace shoal {
namespace {

constexpr int8_t weight(AvlSide side) {
    return side == AvlSide::Left ? -1 : 1;
}
constexpr AvlSide heavy_side(int8_t balance) {
    return balance < 0 ? AvlSide::Left : AvlSide::Right;
}

AvlHook* descend(AvlHook* hook, AvlSide side) {
    while (hook->child(side) != nullptr) hook = hook->child(side);
    return hook;
}

}  // namespace

AvlHook* AvlCore::outermost(AvlSide side) const {
    AvlHook* top = root();
    return top == nullptr ? nullptr : descend(top, side);
}

AvlHook* AvlCore::neighbour(const AvlHook& hook, AvlSide side) {
    if (AvlHook* below = hook.child(side); below != nullptr) return descend(below, other(side));
    const AvlHook* at = &hook;
    while (at->parent_ != nullptr && at->parent_->child(side) == at) at = at->parent_;
    return at->parent_;
}

void AvlCore::replace_child(AvlHook* parent, AvlHook* old_child, AvlHook* new_child) {
    if (parent == nullptr) {
        root_.store(new_child, std::memory_order_release);  // pairs with root()
    } else {
        const AvlSide side =
            parent->child(AvlSide::Left) == old_child ? AvlSide::Left : AvlSide::Right;
        parent->set_child(side, new_child);
    }
    if (new_child != nullptr) new_child->parent_ = parent;
}

// Moves `top` down towards that side; its other child comes up. At no moment do the child pointers form a cycle that a
// racing search can enter from the root: the middle subtree moves first, the parent's pointer last.
AvlHook* AvlCore::rotate(AvlHook& top, AvlSide towards) {
    AvlHook& riser = *top.child(other(towards));
    AvlHook* middle = riser.child(towards);
    AvlHook* parent = top.parent_;
    top.set_child(other(towards), middle);
    if (middle != nullptr) middle->parent_ = &top;
    riser.set_child(towards, &top);
    replace_child(parent, &top, &riser);
    top.parent_ = &riser;
    return &riser;
}

// `top` leans by two. Returns the new top of this subtree.
AvlHook* AvlCore::rebalance(AvlHook& top) {
    const AvlSide heavy = heavy_side(top.balance_);
    const int8_t lean = weight(heavy);
    AvlHook& riser = *top.child(heavy);
    if (riser.balance_ == -lean) {
        AvlHook& middle = *riser.child(other(heavy));
        rotate(riser, heavy);
        rotate(top, other(heavy));
        top.balance_ = middle.balance_ == lean ? static_cast<int8_t>(-lean) : int8_t{0};
        riser.balance_ = middle.balance_ == -lean ? lean : int8_t{0};
        middle.balance_ = 0;
        return &middle;
    }
    rotate(top, other(heavy));
    const bool level = riser.balance_ == 0;  // only after a removal
    top.balance_ = level ? lean : int8_t{0};
    riser.balance_ = level ? static_cast<int8_t>(-lean) : int8_t{0};
    return &riser;
}

void AvlCore::insert(AvlHook& hook, AvlHook* parent, AvlSide side) {
    hook.set_child(AvlSide::Left, nullptr);
    hook.set_child(AvlSide::Right, nullptr);
    hook.parent_ = parent;
    hook.balance_ = 0;
    ++size_;
    if (parent == nullptr) {
        root_.store(&hook, std::memory_order_release);  // pairs with root()
        return;
    }
    parent->set_child(side, &hook);
    grown(&hook);
}

// The subtree at `child` has become one higher.
void AvlCore::grown(AvlHook* child) {
    for (AvlHook* parent = child->parent_; parent != nullptr; parent = child->parent_) {
        const AvlSide side = parent->child(AvlSide::Left) == child ? AvlSide::Left : AvlSide::Right;
        parent->balance_ = static_cast<int8_t>(parent->balance_ + weight(side));
        if (parent->balance_ == 0) return;
        if (parent->balance_ == 2 || parent->balance_ == -2) {
            rebalance(*parent);
            return;
        }
        child = parent;
    }
}

// The subtree of `parent` on that side has become one lower.
void AvlCore::shrunk(AvlHook* parent, AvlSide side) {
    while (parent != nullptr) {
        parent->balance_ = static_cast<int8_t>(parent->balance_ - weight(side));
        AvlHook* top = parent;
        if (parent->balance_ == 2 || parent->balance_ == -2) top = rebalance(*parent);
        if (top->balance_ != 0) return;
        AvlHook* above = top->parent_;
        if (above != nullptr) {
            side = above->child(AvlSide::Left) == top ? AvlSide::Left : AvlSide::Right;
        }
        parent = above;
    }
}

// Gives `hook`, which has two children, the place of its in-order successor and the other way round.
void AvlCore::swap_with_successor(AvlHook& hook) {
    AvlHook& successor = *descend(hook.child(AvlSide::Right), AvlSide::Left);
    AvlHook* const below = successor.child(AvlSide::Right);
    AvlHook* const successor_parent = successor.parent_;
    AvlHook* const left = hook.child(AvlSide::Left);
    AvlHook* const right = hook.child(AvlSide::Right);
    AvlHook* const parent = hook.parent_;

    // Out of its old place first, so that no cycle arises; then into the new one.
    if (successor_parent != &hook) {
        successor_parent->set_child(AvlSide::Left, below);
        successor.set_child(AvlSide::Right, right);
        right->parent_ = &successor;
    }
    successor.set_child(AvlSide::Left, left);
    left->parent_ = &successor;
    replace_child(parent, &hook, &successor);
    const int8_t balance = successor.balance_;
    successor.balance_ = hook.balance_;

    hook.balance_ = balance;
    hook.set_child(AvlSide::Left, nullptr);
    hook.set_child(AvlSide::Right, below);
    if (below != nullptr) below->parent_ = &hook;
    hook.parent_ = successor_parent == &hook ? &successor : successor_parent;
    hook.parent_->set_child(successor_parent == &hook ? AvlSide::Right : AvlSide::Left, &hook);
}

void AvlCore::remove(AvlHook& hook) {
    SHOAL_ASSERT(size_ > 0);
    if (hook.child(AvlSide::Left) != nullptr && hook.child(AvlSide::Right) != nullptr) {
        swap_with_successor(hook);
    }
    --size_;
    detach(hook);
}

// `hook` has one child at most.
void AvlCore::detach(AvlHook& hook) {
    AvlHook* parent = hook.parent_;
    AvlHook* below = hook.child(AvlSide::Left) != nullptr ? hook.child(AvlSide::Left)
                                                          : hook.child(AvlSide::Right);
    const AvlSide side =
        parent != nullptr && parent->child(AvlSide::Left) == &hook ? AvlSide::Left : AvlSide::Right;
    replace_child(parent, &hook, below);
    // The hook's own child pointers stay: a racing search that stands here still finds its way back into the tree.
    hook.parent_ = nullptr;
    shrunk(parent, side);
}

int AvlCore::checked_height(const AvlHook* hook, const AvlHook* parent, bool& sound,
                            size_t& nodes) {
    if (hook == nullptr || !sound) return 0;
    ++nodes;
    const int left = checked_height(hook->child(AvlSide::Left), hook, sound, nodes);
    const int right = checked_height(hook->child(AvlSide::Right), hook, sound, nodes);
    if (hook->parent_ != parent || hook->balance_ != right - left) sound = false;
    if (right - left > 1 || left - right > 1) sound = false;
    return 1 + (left > right ? left : right);
}

bool AvlCore::sound() const {
    bool sound = true;
    size_t nodes = 0;
    checked_height(root(), nullptr, sound, nodes);
    return sound && nodes == size_;
}

}  // namespace shoal
