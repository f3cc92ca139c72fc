#include "bench/sim/observe/call_stacks.hpp"

namespace shoal::sim {
namespace {

constexpr uint64_t kSameStack = 64 * 1024;  // a frame is smaller
constexpr size_t kMaxStacks = 256;

constexpr uint64_t distance(uint64_t a, uint64_t b) { return a < b ? b - a : a - b; }

}  // namespace

CallTree::Node CallTree::child(Node parent, const Block& callee) {
    const auto [place, is_new] =
        children_.try_emplace({parent, callee.id}, static_cast<Node>(entries_.size()));
    if (is_new) entries_.push_back({parent, &callee});
    return place->second;
}

void CallStacks::call(uint64_t stack_address) {
    current_ = find_or_add(stack_address);
    pop_up_to(stacks_[current_], stack_address);
    stacks_[current_].last_address = stack_address;
    called_ = true;
}

void CallStacks::ret(uint64_t stack_address) {
    current_ = find_or_add(stack_address);
    pop_up_to(stacks_[current_], stack_address);
    stacks_[current_].last_address = stack_address;
    called_ = false;
}

CallTree::Node CallStacks::run(const Block& block) {
    if (block.in_kernel() != in_kernel_) change_mode(block);
    if (current_ == kNone) return CallTree::kRoot;
    Stack& stack = stacks_[current_];
    if (called_) {
        const CallTree::Node caller =
            stack.frames.empty() ? CallTree::kRoot : stack.frames.back().node;
        stack.frames.push_back({stack.last_address, tree_.child(caller, block)});
        called_ = false;
    }
    stack.code_page = block.code_page;
    return stack.frames.empty() ? CallTree::kRoot : stack.frames.back().node;
}

size_t CallStacks::find_or_add(uint64_t address) {
    if (current_ != kNone && distance(stacks_[current_].last_address, address) < kSameStack)
        return current_;
    for (size_t i = 0; i < stacks_.size(); ++i)
        if (distance(stacks_[i].last_address, address) < kSameStack) return i;
    if (stacks_.size() == kMaxStacks) stacks_.erase(stacks_.begin());
    stacks_.push_back({{}, address});
    return stacks_.size() - 1;
}

void CallStacks::change_mode(const Block& block) {
    in_kernel_ = block.in_kernel();
    called_ = false;
    current_ = kNone;
    if (in_kernel_) return;
    for (size_t i = 0; i < stacks_.size(); ++i)
        if (stacks_[i].code_page == block.code_page) current_ = i;
}

void CallStacks::pop_up_to(Stack& stack, uint64_t address) {
    while (!stack.frames.empty() && stack.frames.back().address <= address) stack.frames.pop_back();
}

}  // namespace shoal::sim
