// AvlTree: an intrusive, height-balanced search tree (Adelson-Velsky and Landis 1962; Knuth vol. 3, 6.2.3).
//
// T embeds an AvlHook; Key is a functor from const T& to an ordered key that stays the same while T is in the tree (or
// changes without changing the order). The tree owns nothing and allocates nothing.
//
// Writers hold the lock that protects the tree. Readers without it may call the *_racing searches:
// (a) they follow only pointers to nodes that are or were in the tree (whose memory the caller keeps a T: reclamation), or, where
//     such a node has been put into another tree meanwhile, nodes of that one;
// (b) a node's contents, as stored before its insertion, are visible to who finds it;
// (c) they end within kRaceSteps, and may miss a node that is being moved or find one that has just gone: the caller
//     validates by a version of its own, and retries. Progress: wait-free.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/containers/avl_core.hpp"
#include "base/containers/hook.hpp"

namespace shoal {

template <typename T, AvlHook T::*kHook, typename Key>
class AvlTree {
  public:
    [[nodiscard]] bool empty() const { return core_.root() == nullptr; }
    [[nodiscard]] size_t size() const { return core_.size(); }

    // The key must not be in the tree yet.
    void insert(T& item) {
        const auto key = Key{}(item);
        AvlHook* parent = nullptr;
        AvlSide side = AvlSide::Left;
        for (AvlHook* at = core_.root(); at != nullptr; at = parent->child(side)) {
            parent = at;
            SHOAL_ASSERT(key != Key{}(*element(at)) && "key inserted twice");
            side = key < Key{}(*element(at)) ? AvlSide::Left : AvlSide::Right;
        }
        core_.insert(item.*kHook, parent, side);
    }
    void remove(T& item) { core_.remove(item.*kHook); }

    template <typename K>
    [[nodiscard]] T* find(const K& key) const {
        T* item = floor(key);
        return item != nullptr && Key{}(*item) == key ? item : nullptr;
    }
    // The last element whose key is at most `key`.
    template <typename K>
    [[nodiscard]] T* floor(const K& key) const {
        return floor_within(key, ~size_t{0});
    }
    // The first element whose key is at least `key`.
    template <typename K>
    [[nodiscard]] T* ceiling(const K& key) const {
        AvlHook* best = nullptr;
        for (AvlHook* at = core_.root(); at != nullptr;) {
            const bool enough = !(Key{}(*element(at)) < key);
            if (enough) best = at;
            at = at->child(enough ? AvlSide::Left : AvlSide::Right);
        }
        return element_or_null(best);
    }
    // As floor(), beside a writer; see (a) to (c). nullptr may also mean that the search was disturbed.
    template <typename K>
    [[nodiscard]] T* floor_racing(const K& key) const {
        return floor_within(key, kRaceSteps);
    }

    [[nodiscard]] T* first() const { return element_or_null(core_.outermost(AvlSide::Left)); }
    [[nodiscard]] T* last() const { return element_or_null(core_.outermost(AvlSide::Right)); }
    [[nodiscard]] T* next(const T& item) const {
        return element_or_null(AvlCore::neighbour(item.*kHook, AvlSide::Right));
    }
    [[nodiscard]] T* previous(const T& item) const {
        return element_or_null(AvlCore::neighbour(item.*kHook, AvlSide::Left));
    }
    // Visits in order; visit must not change the tree.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (T* item = first(); item != nullptr; item = next(*item)) visit(*item);
    }

    // For tests and the audit: shape, balance, parent links and order are as they should be.
    [[nodiscard]] bool sound() const {
        if (!core_.sound()) return false;
        for (T* item = first(); item != nullptr;) {
            T* after = next(*item);
            if (after != nullptr && !(Key{}(*item) < Key{}(*after))) return false;
            item = after;
        }
        return true;
    }

  private:
    // Twice the height of a tree of 2^31 nodes, so that a search that a rotation delayed still ends well.
    static constexpr size_t kRaceSteps = 96;

    template <typename K>
    [[nodiscard]] T* floor_within(const K& key, size_t steps) const {
        AvlHook* best = nullptr;
        for (AvlHook* at = core_.root(); at != nullptr; --steps) {
            if (steps == 0) return nullptr;
            const bool beyond = key < Key{}(*element(at));
            if (!beyond) best = at;
            at = at->child(beyond ? AvlSide::Left : AvlSide::Right);
        }
        return element_or_null(best);
    }
    static T* element(AvlHook* hook) { return owner_of<T, AvlHook, kHook>(hook); }
    static T* element_or_null(AvlHook* hook) { return hook == nullptr ? nullptr : element(hook); }

    AvlCore core_;
};

}  // namespace shoal
