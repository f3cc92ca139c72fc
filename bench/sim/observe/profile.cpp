#include "bench/sim/observe/profile.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace shoal::sim {

// Charges the time since the last change to the place that was current.
void Profile::PerCore::charge(uint64_t clock) {
    if (counts && current.block != nullptr && clock > since) cycles[current] += clock - since;
    since = clock;
}

void Profile::run(unsigned core, const Block& block, uint64_t clock) {
    PerCore& self = cores_[core];
    self.charge(clock);
    self.current = {self.stacks.run(block), &block};
}

void Profile::begin(unsigned core, uint64_t clock) {
    cores_[core].charge(clock);
    cores_[core].counts = true;
}

void Profile::end(unsigned core, uint64_t clock) {
    cores_[core].charge(clock);
    cores_[core].counts = false;
}

void Profile::print_stack(std::FILE* out, BlockNames& names, const CallTree& tree, Place place,
                          uint64_t cycles) {
    std::vector<const Block*> chain{place.block};
    for (CallTree::Node node = place.node; node != CallTree::kRoot; node = tree.entry(node).parent)
        chain.push_back(tree.entry(node).callee);
    for (const Block* block : chain) names.print(out, *block);
    std::fprintf(out, "STACK %lu ", cycles);
    for (size_t i = chain.size(); i-- > 0;)
        std::fprintf(out, "%u%c", chain[i]->id, i == 0 ? '\n' : ';');
}

void Profile::print(std::FILE* out, BlockNames& names) {
    std::map<uint64_t, uint64_t> by_pc;
    for (PerCore& core : cores_) {
        for (const auto& [place, cycles] : core.cycles) {
            by_pc[place.block->pc] += cycles;
            print_stack(out, names, core.stacks.tree(), place, cycles);
        }
        core.cycles.clear();
    }
    for (const auto& [pc, cycles] : by_pc) std::fprintf(out, "PROF %lx %lu\n", pc, cycles);
    std::fprintf(out, "PROFEND\n");
}

}  // namespace shoal::sim
