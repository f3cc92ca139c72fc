#include "kernel/smp/local/processor.hpp"

#include "base/assert.hpp"

namespace shoal::smp {
namespace {

constinit Processor candidates[kMaxCpus];
constinit Processor* by_id[kMaxCpus] = {};
constinit uint32_t count = 0;

}  // namespace

Processor& processor(CpuId id) {
    SHOAL_ASSERT(id.index() < count);
    return *by_id[id.index()];
}

uint32_t processor_count() {
    return count;
}

Processor& candidate(uint32_t index) {
    SHOAL_ASSERT(index < kMaxCpus);
    return candidates[index];
}

void number_processors(uint32_t candidate_count) {
    count = 0;
    for (uint32_t i = 0; i < candidate_count; ++i) {
        Processor& processor = candidates[i];
        processor.local->id = Processor::kNoNumber;
        // Relaxed: only the boot CPU, which runs this, has ever left one out.
        const ProcessorState state = processor.state.load(std::memory_order_relaxed);
        if (state == ProcessorState::LeftOut || state == ProcessorState::Parked) continue;
        processor.id = CpuId::from(count);
        processor.local->id = processor.id;
        by_id[count++] = &processor;
    }
}

}  // namespace shoal::smp
