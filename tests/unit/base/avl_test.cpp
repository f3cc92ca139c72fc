// AvlTree against std::map, and its racing search beside a writer.
#include "base/containers/avl.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace shoal {
namespace {

struct Node {
    std::atomic<uint64_t> key{0};
    AvlHook hook;
};
struct KeyOfNode {
    uint64_t operator()(const Node& node) const { return node.key.load(std::memory_order_relaxed); }
};
using Tree = AvlTree<Node, &Node::hook, KeyOfNode>;

TEST(Avl, EmptyTreeFindsNothing) {
    Tree tree;
    EXPECT_TRUE(tree.empty());
    EXPECT_EQ(tree.find(uint64_t{1}), nullptr);
    EXPECT_EQ(tree.first(), nullptr);
    EXPECT_TRUE(tree.sound());
}

TEST(Avl, KeepsHeightLogarithmicWhenKeysAscend) {
    Tree tree;
    std::vector<Node> nodes(4096);
    for (size_t i = 0; i < nodes.size(); ++i) {
        nodes[i].key = i;
        tree.insert(nodes[i]);
    }
    EXPECT_TRUE(tree.sound());  // includes the balance of every node
    EXPECT_EQ(tree.floor_racing(uint64_t{4000}), &nodes[4000]);
}

void compare(const Tree& tree, const std::map<uint64_t, Node*>& model, uint64_t probe) {
    auto above = model.upper_bound(probe);
    Node* floor = above == model.begin() ? nullptr : std::prev(above)->second;
    auto at_least = model.lower_bound(probe);
    ASSERT_EQ(tree.floor(probe), floor);
    ASSERT_EQ(tree.ceiling(probe), at_least == model.end() ? nullptr : at_least->second);
    ASSERT_EQ(tree.find(probe), model.contains(probe) ? model.at(probe) : nullptr);
}

TEST(Avl, AgreesWithMapUnderRandomInsertAndRemove) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    std::vector<Node> nodes(300);
    Tree tree;
    std::map<uint64_t, Node*> model;
    for (int step = 0; step < 30'000; ++step) {
        Node& node = nodes[random() % nodes.size()];
        const uint64_t key = node.key;
        const auto there = model.find(key);
        if (there != model.end() && there->second == &node) {
            tree.remove(node);
            model.erase(there);
        } else if (const uint64_t fresh = random() % 1000; !model.contains(fresh)) {
            node.key = fresh;
            tree.insert(node);
            model[fresh] = &node;
        }
        compare(tree, model, random() % 1000);
        if (step % 64 == 0) {
            ASSERT_TRUE(tree.sound());
        }
    }
    ASSERT_EQ(tree.size(), model.size());
    auto expected = model.begin();
    tree.for_each([&](Node& node) { ASSERT_EQ(&node, (expected++)->second); });
}

// Keys that stay are found at all but disturbed moments; what is found is always a node with a key that is small enough.
TEST(Avl, RacingSearchEndsAndFindsNodesOfTheTree) {
    constexpr uint64_t kStay = 64;
    std::vector<Node> nodes(kStay * 8);
    Tree tree;
    for (uint64_t i = 0; i < nodes.size(); ++i) {
        nodes[i].key = i;
        if (i % 8 == 0) tree.insert(nodes[i]);
    }
    std::atomic<bool> stop{false};
    std::atomic<uint64_t> hits{0};
    std::thread reader([&] {
        std::mt19937_64 random(1);
        while (!stop.load(std::memory_order_relaxed)) {
            const uint64_t key = random() % nodes.size();
            const Node* found = tree.floor_racing(key);
            if (found == nullptr) continue;
            ASSERT_LE(found->key.load(), key);
            hits.fetch_add(1, std::memory_order_relaxed);
        }
    });
    std::mt19937_64 random(2);
    for (int step = 0; step < 100'000; ++step) {
        Node& node = nodes[random() % kStay * 8 + 1 + random() % 7];
        if (tree.find(node.key.load()) == &node) {
            tree.remove(node);
        } else {
            tree.insert(node);
        }
    }
    while (hits.load() == 0) std::this_thread::yield();
    stop = true;
    reader.join();
    EXPECT_TRUE(tree.sound());
}

}  // namespace
}  // namespace shoal
