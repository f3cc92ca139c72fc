#include "bench/sim/observe/hot_lines.hpp"

#include <algorithm>
#include <vector>

namespace shoal::sim {
namespace {

constexpr size_t kInstructionsPrinted = 40, kLinesPrinted = 400;
constexpr size_t kLinesOfAnInstruction = 16;

}  // namespace

void HotLines::miss(unsigned core, const MemoryAccess& access, uint64_t cycles) {
    const Key key{access.pc, access.physical / LineDirectory::kLineBytes, access.kind};
    Cost& cost = cores_[core].try_emplace(key, Cost{access}).first->second;
    ++cost.misses;
    cost.cycles += cycles;
}

HotLines::Costs HotLines::sum() {
    Costs all;
    for (Costs& core : cores_) {
        for (const auto& [key, cost] : core) {
            Cost& total = all.try_emplace(key, Cost{cost.first}).first->second;
            total.misses += cost.misses;
            total.cycles += cost.cycles;
        }
        core.clear();
    }
    return all;
}

// Those of an instruction, costliest first. One that pays a little for each of many lines: the last that is kept stands for the others.
void HotLines::keep_few(std::vector<Cost>& lines) {
    std::sort(lines.begin(), lines.end(), [](const Cost& a, const Cost& b) { return a.cycles > b.cycles; });
    for (; lines.size() > kLinesOfAnInstruction; lines.pop_back()) {
        lines[kLinesOfAnInstruction - 1].misses += lines.back().misses;
        lines[kLinesOfAnInstruction - 1].cycles += lines.back().cycles;
    }
}

void HotLines::print(std::FILE* out, BlockNames& names) {
    std::map<std::pair<uint64_t, AccessKind>, std::vector<Cost>> by_instruction;
    std::map<uint64_t, uint64_t> by_pc;
    for (const auto& [key, cost] : sum()) {
        by_pc[key.pc] += cost.cycles;
        by_instruction[{key.pc, key.kind}].push_back(cost);
    }
    std::vector<std::pair<uint64_t, uint64_t>> instructions;
    for (const auto& [pc, cycles] : by_pc) instructions.emplace_back(cycles, pc);
    std::sort(instructions.rbegin(), instructions.rend());
    instructions.resize(std::min(instructions.size(), kInstructionsPrinted));
    for (const auto& [cycles, pc] : instructions) std::fprintf(out, "HOT %lx %lu\n", pc, cycles);

    std::vector<Cost> lines;
    for (auto& [instruction, its] : by_instruction) {
        keep_few(its);
        lines.insert(lines.end(), its.begin(), its.end());
    }
    std::sort(lines.begin(), lines.end(), [](const Cost& a, const Cost& b) { return a.cycles > b.cycles; });
    lines.resize(std::min(lines.size(), kLinesPrinted));
    for (const Cost& line : lines) {
        const MemoryAccess& access = line.first;
        names.print(out, *access.block);
        std::fprintf(out, "HOTLINE %lx %u %lx %lx %c %lu %lu\n", access.pc, access.block->id,
                     access.address, access.physical,
                     access.kind == AccessKind::Store ? 'w' : 'r', line.misses, line.cycles);
    }
    std::fprintf(out, "HOTEND\n");
}

}  // namespace shoal::sim
