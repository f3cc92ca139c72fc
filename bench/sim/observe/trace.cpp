#include "bench/sim/observe/trace.hpp"

namespace shoal::sim {

void Trace::begin(unsigned core) { cores_[core] = {}; }

void Trace::run(unsigned core, const Block& block, uint64_t clock) {
    PerCore& self = cores_[core];
    if (records(self)) self.events.emplace_back(Step{&block, clock});
}

void Trace::touch(unsigned core, const MemoryAccess& access) {
    PerCore& self = cores_[core];
    if (records(self)) self.events.emplace_back(access);
}

void Trace::exception_return(unsigned core, uint64_t clock) {
    PerCore& self = cores_[core];
    if (records(self)) self.end = clock;
    ++self.returns;
}

void Trace::print(std::FILE* out, BlockNames& names) {
    bool printed = false;
    for (PerCore& core : cores_) {
        for (const auto& event : core.events) {
            if (printed) break;
            if (const auto* step = std::get_if<Step>(&event)) {
                names.print(out, *step->block);
                std::fprintf(out, "STEP %u %lu %lu\n", step->block->id, step->block->instructions,
                             step->clock);
            } else if (const auto* access = std::get_if<MemoryAccess>(&event)) {
                std::fprintf(out, "TOUCH %lx %lx %c\n", access->address, access->physical,
                             access->kind == AccessKind::Store ? 'w' : 'r');
            }
        }
        if (!printed && !core.events.empty()) {
            std::fprintf(out, "LASTSTEP %lu\n", core.end);
            printed = true;
        }
        core = {};
    }
    std::fprintf(out, "STEPEND\n");
}

}  // namespace shoal::sim
