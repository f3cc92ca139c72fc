// The call stacks of one core, followed through its calls and returns: a plugin does not see registers, but it sees at which address
// a call stores its return address, and at which a return reads it.
//
// Each chain of nearby addresses is a stack of its own, so that threads, servers and kernel do not mix. After a change between user
// and kernel mode the stack is the one on which the same page of code ran last; in the kernel, which begins at the top
// of its stack at each entry, none until its first call.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bench/sim/observe/block.hpp"

namespace shoal::sim {

// Chains of callers; equal ones are one node.
class CallTree {
  public:
    using Node = uint32_t;
    static constexpr Node kRoot = 0;

    struct Entry {
        Node parent;
        const Block* callee;  // the block a call led to
    };
    Node child(Node parent, const Block& callee);
    [[nodiscard]] const Entry& entry(Node node) const { return entries_[node]; }

  private:
    std::vector<Entry> entries_{{kRoot, nullptr}};
    std::map<std::pair<Node, uint32_t>, Node> children_;
};

class CallStacks {
  public:
    // A call has stored its return address; the next block is the callee.
    void call(uint64_t stack_address);
    // A return has read its address.
    void ret(uint64_t stack_address);
    // A block begins. Returns the chain of calls it runs under.
    CallTree::Node run(const Block& block);

    [[nodiscard]] const CallTree& tree() const { return tree_; }

  private:
    struct Frame {
        uint64_t address;
        CallTree::Node node;
    };
    struct Stack {
        std::vector<Frame> frames;
        uint64_t last_address;
        uint64_t code_page = 0;  // of the block that ran last on it
    };
    static constexpr size_t kNone = ~size_t{0};

    size_t find_or_add(uint64_t address);
    void change_mode(const Block& block);
    static void pop_up_to(Stack& stack, uint64_t address);

    CallTree tree_;
    std::vector<Stack> stacks_;
    size_t current_ = kNone;
    bool called_ = false;  // the next block is a callee
    bool in_kernel_ = false;
};

}  // namespace shoal::sim
