// What the emulator's command line says to the model: name=value, a name alone stands for name=1.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/sim/model/charges.hpp"

namespace shoal::sim {

struct Options {
    Charges charges;             // remote=, cold=, iret=, cr3=
    uint64_t memory_mib = 2048;  // mem=: the guest's memory and 1024 for firmware and devices
    uint64_t window = 500;       // window=: cycles that a clock may run ahead
    bool hot = false;            // hot=1: name the lines that move
    bool profile = false;        // prof=1: name the code that takes the cycles
    bool conflicts = false;      // conflicts=1: name the lines that several cores use
    uint64_t trace = 0;          // trace=N: tell what runs from the N-th exception return of a stretch to the next

    // Returns what is wrong, empty if nothing is.
    std::string parse(std::span<char* const> words);
};

}  // namespace shoal::sim
