#include "bench/sim/observe/conflicts.hpp"

#include <set>

namespace shoal::sim {

void Conflicts::touch(unsigned core, const MemoryAccess& access) {
    Touches& touches = cores_[core].lines[access.physical / LineDirectory::kLineBytes];
    Touch& touch = access.kind == AccessKind::Store ? touches.write : touches.read;
    if (touch.count++ == 0) touch.first = access;
}

bool Conflicts::is_conflict(uint64_t line) const {
    unsigned cores = 0;
    bool written = false;
    for (const PerCore& core : cores_) {
        const auto found = core.lines.find(line);
        if (found == core.lines.end()) continue;
        ++cores;
        written = written || found->second.write.count != 0;
    }
    return cores > 1 && written;
}

void Conflicts::print_line(std::FILE* out, BlockNames& names, uint64_t line) const {
    for (const PerCore& core : cores_)
        if (const auto found = core.lines.find(line); found != core.lines.end())
            for (const Touch* touch : {&found->second.read, &found->second.write})
                if (touch->count != 0) names.print(out, *touch->first.block);
    std::fprintf(out, "CONFLICT %lx", line * LineDirectory::kLineBytes);
    for (size_t i = 0; i < cores_.size(); ++i) {
        const auto found = cores_[i].lines.find(line);
        if (found == cores_[i].lines.end()) continue;
        for (const Touch* touch : {&found->second.read, &found->second.write})
            if (touch->count != 0)
                std::fprintf(out, " %zu:%c:%lx:%u:%lx:%lu", i,
                             touch == &found->second.write ? 'w' : 'r', touch->first.pc,
                             touch->first.block->id, touch->first.address, touch->count);
    }
    std::fprintf(out, "\n");
}

void Conflicts::print(std::FILE* out, BlockNames& names) {
    std::set<uint64_t> all;
    for (const PerCore& core : cores_)
        for (const auto& [line, touches] : core.lines) all.insert(line);
    for (const uint64_t line : all)
        if (is_conflict(line)) print_line(out, names, line);
    for (PerCore& core : cores_) core.lines.clear();
    std::fprintf(out, "CONFLICTEND\n");
}

}  // namespace shoal::sim
