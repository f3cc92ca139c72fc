#include "bench/sim/machine.hpp"

namespace shoal::sim {

Machine::Machine(const Options& options, std::FILE* out)
    : options_(options), out_(out), clocks_(options.window), directory_(options_.charges) {
    if (options.hot) hot_ = std::make_unique<HotLines>();
    if (options.profile) profile_ = std::make_unique<Profile>();
    if (options.conflicts) conflicts_ = std::make_unique<Conflicts>();
    if (options.trace != 0) trace_ = std::make_unique<Trace>(options.trace);
}

void Machine::observe_block(unsigned core, const Block& block) {
    current_[core].block = &block;
    const uint64_t clock = clocks_.core(core).clock();
    if (profile_ && measuring()) profile_->run(core, block, clock);
    if (trace_ && current_[core].in_stretch) trace_->run(core, block, clock);
}

void Machine::execute(unsigned core, const Instruction& instruction) {
    Core& self = clocks_.core(core);
    if (instruction.operation == Operation::StringStep)
        self.add_string_bytes(instruction.string_bytes, options_.charges.string_bytes_a_cycle);
    else if (instruction.operation == Operation::ExceptionReturn)
        return_from_exception(core);
    else if (instruction.operation == Operation::LoadCr3)
        ++self.counters.cr3_loads;
}

void Machine::return_from_exception(unsigned core) {
    Core& self = clocks_.core(core);
    ++self.counters.exception_returns;
    if (trace_ && current_[core].in_stretch) trace_->exception_return(core, self.clock());
}

void Machine::access(unsigned core, uint64_t pc, uint64_t address, uint64_t physical,
                     AccessKind kind) {
    Core& self = clocks_.core(core);
    const LineAccess result = directory_.access(core, physical, kind, self.clock());
    const Current& current = current_[core];
    const MemoryAccess access{current.block, pc, address, physical, kind};
    if (conflicts_ && current.in_stretch) conflicts_->touch(core, access);
    if (trace_ && current.in_stretch) trace_->touch(core, access);
    switch (result.event) {
        case LineEvent::Hit: return;
        case LineEvent::Cold: ++self.counters.cold_lines; break;
        case LineEvent::ReadMiss: ++self.counters.read_misses; break;
        case LineEvent::WriteMiss: ++self.counters.write_misses; break;
    }
    self.advance(result.wait);
    if (result.event == LineEvent::Cold) return;
    self.counters.remote_cycles += result.wait;
    if (hot_ && current.in_stretch) hot_->miss(core, access, result.wait);
}

void Machine::mark(unsigned core, Mark mark) {
    switch (mark) {
        case Mark::MeasureOn: begin_measurement(core); break;
        case Mark::MeasureOff: end_measurement(); break;
        case Mark::StretchBegin: begin_stretch(core); break;
        case Mark::StretchEnd: end_stretch(core); break;
    }
}

void Machine::begin_measurement(unsigned core) {
    clocks_.meet();
    measuring_.store(true, std::memory_order_relaxed);
    clocks_.run(core);
}

void Machine::begin_stretch(unsigned core) {
    measuring_.store(true, std::memory_order_relaxed);
    clocks_.run(core);
    Core& self = clocks_.core(core);
    self.begin_stretch();
    if (profile_) profile_->begin(core, self.clock());
    if (trace_) trace_->begin(core);
    current_[core].in_stretch = true;
}

void Machine::end_stretch(unsigned core) {
    const Core& self = clocks_.core(core);
    if (profile_) profile_->end(core, self.clock());
    current_[core].in_stretch = false;
    const Counters counted = self.stretch_counters();
    const std::lock_guard guard(output_);
    std::fprintf(out_,
                 "SIM cpu %u cycles %lu insns %lu rdmiss %lu wrmiss %lu remcyc %lu cold %lu irets %lu "
                 "cr3 %lu ipis %lu\n",
                 core, self.stretch_cycles(), counted.instructions, counted.read_misses,
                 counted.write_misses, counted.remote_cycles, counted.cold_lines,
                 counted.exception_returns, counted.cr3_loads, counted.ipis);
}

void Machine::end_measurement() {
    measuring_.store(false, std::memory_order_relaxed);
    const std::lock_guard guard(output_);
    if (hot_) hot_->print(out_, names_);
    if (profile_) profile_->print(out_, names_);
    if (conflicts_) conflicts_->print(out_, names_);
    if (trace_) trace_->print(out_, names_);
}

}  // namespace shoal::sim
