#include "servers/vm/leaf/leaf_map.hpp"

namespace shoal::vm {

// Returns what is in the place afterwards.
void* LeafMap::install(std::atomic<void*>& place, void* mine) {
    void* there = nullptr;
    // seq_cst pairs with the version's store in Segment::change(): either we are seen, or we see the change; its release
    // side pairs with find()
    return place.compare_exchange_strong(there, mine, std::memory_order_seq_cst) ? mine : there;
}

Leaf* LeafMap::insert(SlabCaches& slabs, Leaf& leaf) {
    const uint64_t number = leaf.range().start.raw() >> kLeafShift;
    std::atomic<void*>* place = &root_[number >> 3 * LeafNode::kBits];
    for (unsigned level = 3; level-- > 0;) {
        void* below = place->load(std::memory_order_acquire);  // pairs with install()
        if (below == nullptr) {
            LeafNode* node = slabs.create_reserved<LeafNode>();
            below = install(*place, node);
            if (below != node) slabs.destroy(node);
        }
        auto* node = static_cast<LeafNode*>(below);
        node->mark_taken(index(number, level));
        place = &node->places_[index(number, level)];
    }
    return static_cast<Leaf*>(install(*place, &leaf));
}

void LeafMap::remove(Leaf& leaf) {
    const uint64_t number = leaf.range().start.raw() >> kLeafShift;
    void* at = root_[number >> 3 * LeafNode::kBits].load(std::memory_order_acquire);  // pairs with install()
    for (unsigned level = 3; level-- > 0;) {
        std::atomic<void*>& place = static_cast<LeafNode*>(at)->places_[index(number, level)];
        if (level == 0) {
            SHOAL_ASSERT(place.load(std::memory_order_relaxed) == &leaf);
            place.store(nullptr, std::memory_order_seq_cst);  // pairs with find()
        } else {
            at = place.load(std::memory_order_acquire);  // pairs with install()
        }
    }
}

// The first number under the place that is so many behind the one that `number` is under.
uint64_t LeafMap::begin_of_place(uint64_t number, unsigned level, unsigned places) {
    const unsigned shift = level * LeafNode::kBits;
    return ((number >> shift) + places) << shift;
}

Leaf* LeafMap::next(VirtualAddress from, VirtualAddress end) const {
    uint64_t number = from.raw() >> kLeafShift;
    const uint64_t limit = (end.raw() + kLeafSize - 1) >> kLeafShift;
    while (number < limit) {
        void* at = root_[number >> 3 * LeafNode::kBits].load(std::memory_order_seq_cst);  // pairs with install()
        unsigned level = 3, taken = 0;
        while (at != nullptr && level > 0) {
            const auto* node = static_cast<const LeafNode*>(at);
            const unsigned place = index(number, --level);
            taken = node->first_taken(place);
            if (taken > place) number = begin_of_place(number, level, taken - place);
            if (taken == LeafNode::kPlaces) break;
            at = node->places_[taken].load(std::memory_order_seq_cst);  // pairs with install()
        }
        if (taken == LeafNode::kPlaces) continue;  // on to the node behind this one
        if (at != nullptr) return number < limit ? static_cast<Leaf*>(at) : nullptr;
        number = begin_of_place(number, level, 1);
    }
    return nullptr;
}

void LeafMap::free_node(SlabCaches& slabs, LeafNode* node, unsigned level) {
    if (level > 0) {
        for (auto& place : node->places_)
            if (void* below = place.load(std::memory_order_relaxed))
                free_node(slabs, static_cast<LeafNode*>(below), level - 1);
    }
    slabs.destroy(node);
}

void LeafMap::free_nodes(SlabCaches& slabs) {
    for (auto& place : root_) {
        void* node = place.exchange(nullptr, std::memory_order_relaxed);
        if (node != nullptr) free_node(slabs, static_cast<LeafNode*>(node), 2);
    }
}

uint64_t LeafMap::count_node(const LeafNode* node, unsigned level) {
    uint64_t count = 1;
    if (level == 0) return count;
    for (const auto& place : node->places_)
        if (const void* below = place.load(std::memory_order_relaxed))
            count += count_node(static_cast<const LeafNode*>(below), level - 1);
    return count;
}

uint64_t LeafMap::count_nodes() const {
    uint64_t count = 0;
    for (const auto& place : root_)
        if (const void* node = place.load(std::memory_order_relaxed))
            count += count_node(static_cast<const LeafNode*>(node), 2);
    return count;
}

}  // namespace shoal::vm
