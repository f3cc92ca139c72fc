// One simulated core: its clock and what has happened on it.
#pragma once

#include <atomic>
#include <cstdint>

namespace shoal::sim {

// A bit a core in a word (LineDirectory).
inline constexpr unsigned kMaxCores = 64;

struct Counters {
    uint64_t instructions = 0;
    uint64_t read_misses = 0;   // remote lines fetched
    uint64_t write_misses = 0;  // remote lines made its own
    uint64_t remote_cycles = 0;
    uint64_t cold_lines = 0;
    uint64_t exception_returns = 0;
    uint64_t cr3_loads = 0;
    uint64_t ipis = 0;  // sent

    Counters operator-(const Counters& before) const {
        return {instructions - before.instructions, read_misses - before.read_misses,
                write_misses - before.write_misses, remote_cycles - before.remote_cycles,
                cold_lines - before.cold_lines, exception_returns - before.exception_returns,
                cr3_loads - before.cr3_loads, ipis - before.ipis};
    }
};

// Written by the thread that runs this core; others read the clock and the running flag, for which relaxed order is enough: they
// are estimates of where the others are, and a stale one makes a core wait a little longer.
class alignas(128) Core {
  public:
    [[nodiscard]] uint64_t clock() const { return clock_.load(std::memory_order_relaxed); }
    void set_clock(uint64_t cycles) { clock_.store(cycles, std::memory_order_relaxed); }
    void advance(uint64_t cycles) { set_clock(clock() + cycles); }

    // Charges whole cycles and keeps the bytes that are left over.
    void add_string_bytes(uint64_t bytes, uint64_t bytes_a_cycle) {
        string_bytes_ += bytes;
        if (string_bytes_ < bytes_a_cycle) return;
        advance(string_bytes_ / bytes_a_cycle);
        string_bytes_ %= bytes_a_cycle;
    }

    void begin_stretch() {
        counters_at_begin_ = counters;
        clock_at_begin_ = clock();
    }
    [[nodiscard]] Counters stretch_counters() const { return counters - counters_at_begin_; }
    [[nodiscard]] uint64_t stretch_cycles() const { return clock() - clock_at_begin_; }

    Counters counters;

  private:
    friend class ClockWindow;
    std::atomic<uint64_t> clock_{0};
    std::atomic<bool> running_{false};
    uint64_t free_until_ = 0;  // ClockWindow: up to here nobody has to be looked at
    Counters counters_at_begin_;
    uint64_t clock_at_begin_ = 0;
    uint64_t string_bytes_ = 0;
};

}  // namespace shoal::sim
