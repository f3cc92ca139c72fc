// LeafMap: finds the leaf of an address, without a lock: a radix tree of four levels over the 26 bits of a leaf's number.
//
// Guarantees. (a) A lookup finds every leaf whose insertion happened before it. (b) Of several who insert a leaf for one
// place, one wins, and all go on with the winner's. (c) Nodes stay until the space ends; taking a leaf out leaves a null.
// (d) insert() and lookups by writers are sequentially consistent, see Segment: a fault that made a leaf and a writer that
// looks for leaves cannot miss each other. Progress: wait-free but for insertion, which is lock-free. Reclamation: leaves
// are retired by whoever took them out; nodes are freed with the space.
#pragma once

#include <atomic>

#include "base/result.hpp"
#include "servers/vm/leaf/leaf.hpp"

namespace shoal::vm {

// One node: 128 places of nodes below, or of leaves.
class LeafNode {
  public:
    static constexpr SlabType kSlabType = SlabType::LeafNode;
    static constexpr unsigned kBits = 7, kPlaces = 1 << kBits;

  private:
    friend class LeafMap;
    static constexpr unsigned kWords = kPlaces / 64;

    // seq_cst pairs with first_taken(), as the place itself does with its readers: LeafMap (d)
    void mark_taken(unsigned place) {
        std::atomic<uint64_t>& taken = taken_[place / 64];
        const uint64_t bit = uint64_t{1} << place % 64;
        if ((taken.load(std::memory_order_seq_cst) & bit) == 0) taken.fetch_or(bit, std::memory_order_seq_cst);
    }
    // The first place from this one on that ever was taken, or kPlaces.
    [[nodiscard]] unsigned first_taken(unsigned place) const {
        uint64_t mask = ~uint64_t{0} << place % 64;
        for (unsigned word = place / 64; word < kWords; ++word, mask = ~uint64_t{0}) {
            const uint64_t taken = taken_[word].load(std::memory_order_seq_cst) & mask;  // pairs with mark_taken()
            if (taken != 0) return word * 64 + static_cast<unsigned>(__builtin_ctzll(taken));
        }
        return kPlaces;
    }

    std::atomic<void*> places_[kPlaces] = {};
    std::atomic<uint64_t> taken_[kWords] = {};  // set before the place is, and never cleared
};

class LeafMap {
  public:
    // Nodes that insert() may need, to be ensured before.
    static constexpr uint32_t kMostNewNodes = 3;

    // The leaf over the address, or nullptr.
    [[nodiscard, gnu::always_inline]] Leaf* find(VirtualAddress address) const {
        const uint64_t number = address.raw() >> kLeafShift;
        // acquire pairs with the release side of install(): nodes and leaves come with their contents
        void* at = root_[number >> 3 * LeafNode::kBits].load(std::memory_order_seq_cst);
#pragma GCC unroll 3
        for (unsigned level = 3; level-- > 0;) {
            if (at == nullptr) [[unlikely]] return nullptr;
            at = static_cast<LeafNode*>(at)->places_[index(number, level)].load(std::memory_order_seq_cst);
        }
        return static_cast<Leaf*>(at);
    }
    // Puts the leaf in its place, unless there is one already. Returns the one that is there.
    Leaf* insert(SlabCaches& slabs, Leaf& leaf);
    // By whoever marked it dead, under its lock.
    void remove(Leaf& leaf);

    // The first leaf that begins at `from` or behind and before `end`, or nullptr. Of an empty stretch only the nodes cost, not
    // the places.
    [[nodiscard]] Leaf* next(VirtualAddress from, VirtualAddress end) const;
    // Calls visit(Leaf&) for the leaves that a range touches, ascending.
    template <typename Visit>
    void for_each_in(VirtualRange range, Visit visit) const {
        VirtualAddress at = range.start.leaf_down();
        if (range.end - at <= kLeafSize) {
            if (Leaf* leaf = find(at)) visit(*leaf);
            return;
        }
        while (Leaf* leaf = next(at, range.end)) {
            visit(*leaf);
            at = leaf->range().end;
        }
    }
    // Frees the nodes; no leaf is left, and nobody looks any more.
    void free_nodes(SlabCaches& slabs);
    [[nodiscard]] uint64_t count_nodes() const;

  private:
    static constexpr unsigned kRootPlaces = 1 << (47 - kLeafShift - 3 * LeafNode::kBits);

    static unsigned index(uint64_t number, unsigned level) {
        return static_cast<unsigned>(number >> level * LeafNode::kBits) & (LeafNode::kPlaces - 1);
    }
    static uint64_t begin_of_place(uint64_t number, unsigned level, unsigned places);
    static void* install(std::atomic<void*>& place, void* mine);
    static void free_node(SlabCaches& slabs, LeafNode* node, unsigned level);
    static uint64_t count_node(const LeafNode* node, unsigned level);

    std::atomic<void*> root_[kRootPlaces] = {};
};

}  // namespace shoal::vm
