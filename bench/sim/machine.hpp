// The simulated machine: cores with clocks, the directory of their lines, and whoever watches. Told by the emulator what happens.
#pragma once

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

#include "bench/sim/model/clock_window.hpp"
#include "bench/sim/model/line_directory.hpp"
#include "bench/sim/observe/block.hpp"
#include "bench/sim/observe/conflicts.hpp"
#include "bench/sim/observe/hot_lines.hpp"
#include "bench/sim/observe/profile.hpp"
#include "bench/sim/observe/trace.hpp"
#include "bench/sim/options.hpp"

namespace shoal::sim {

class Machine {
  public:
    // out: where SIM lines and the watchers' lists go.
    Machine(const Options& options, std::FILE* out);
    // False if the host has no room for the directory.
    bool reserve() { return directory_.reserve(options_.memory_mib << 20); }

    [[nodiscard]] const Options& options() const { return options_; }
    [[nodiscard]] bool measuring() const { return measuring_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool observes_blocks() const { return profile_ || hot_ || conflicts_ || trace_; }
    [[nodiscard]] bool observes_calls() const { return profile_ != nullptr; }
    ClockWindow& clocks() { return clocks_; }

    // The rest is called by the thread that runs `core`.

    // Before a block's first instruction. pause: ClockWindow::keep.
    template <typename Pause>
    void run_block(unsigned core, const Block& block, Pause pause) {
        Core& self = clocks_.core(core);
        if (observes_blocks()) observe_block(core, block);
        self.counters.instructions += block.instructions;
        self.advance(block.cycles);
        if (!measuring()) return;
        clocks_.run(core);
        clocks_.keep(core, pause);
    }
    // One execution of an instruction that is more than its charge.
    void execute(unsigned core, const Instruction& instruction);
    void mark(unsigned core, Mark mark);
    // Memory, not a device's registers. While measuring() only, as are the next three.
    void access(unsigned core, uint64_t pc, uint64_t address, uint64_t physical, AccessKind kind);
    void send_ipi(unsigned core) { ++clocks_.core(core).counters.ipis; }
    void call(unsigned core, uint64_t stack_address) { profile_->call(core, stack_address); }
    void ret(unsigned core, uint64_t stack_address) { profile_->ret(core, stack_address); }

  private:
    struct alignas(128) Current {
        const Block* block = nullptr;
        bool in_stretch = false;  // what the watchers are told of
    };
    void observe_block(unsigned core, const Block& block);
    void return_from_exception(unsigned core);
    void begin_stretch(unsigned core);
    void end_stretch(unsigned core);
    void begin_measurement(unsigned core);
    void end_measurement();

    const Options options_;
    std::FILE* out_;
    ClockWindow clocks_;
    LineDirectory directory_;
    std::atomic<bool> measuring_{false};
    std::unique_ptr<HotLines> hot_;
    std::unique_ptr<Profile> profile_;
    std::unique_ptr<Conflicts> conflicts_;
    std::unique_ptr<Trace> trace_;
    std::array<Current, kMaxCores> current_;
    std::mutex output_;  // lines of several cores do not mix
    BlockNames names_;
};

}  // namespace shoal::sim
