// A processor as others see it, and the table of all that run. Constant once every CPU has been started, but for `state`.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/cpu.hpp"
#include "kernel/smp/local/cpu_local.hpp"

namespace shoal::smp {

// How far a CPU has come. The boot CPU moves it on from Waiting (to LeftOut), Alive, Ready and Agreed, the CPU itself from
// Waiting (to Alive), LeftOut and Numbered.
enum class ProcessorState : uint32_t {
    Waiting,    // told to start
    Alive,      // has answered, spins until it is numbered
    LeftOut,    // did not answer in time
    Parked,     // came after that: it halts
    Numbered,   // its id is known: it sets itself up
    Ready,      // set up and verified
    Agreed,     // the clock is settled
    Running,    // may enter the core
};

class alignas(kCacheLine) Processor {
  public:
    // Of a CPU that is left out: answers to an NMI with a number that no panic gives a turn.
    static constexpr CpuId kNoNumber{0xffff};

    uint32_t apic_id = 0;        // read by trampoline.S (kApicIdOffset)
    CpuId id;                    // dense; known from Numbered on
    uint16_t reserved = 0;
    uint64_t root = 0;           // physical address of its top-level table; read by trampoline.S
    CpuLocal* local = nullptr;   // through the direct map
    kernel::Cpu* core = nullptr;
    uint32_t acpi_uid = 0;
    std::atomic<ProcessorState> state{ProcessorState::Waiting};

    static constexpr size_t kApicIdOffset = 0, kRootOffset = 8;
};
static_assert(sizeof(Processor) == kCacheLine);

// The CPUs that run, by CpuId; the boot CPU is 0.
Processor& processor(CpuId id);
uint32_t processor_count();

// For the boot CPU, before others run: the places of all candidates, in firmware order after the boot CPU.
Processor& candidate(uint32_t index);
// Closes the gaps that left-out candidates make and gives out the ids.
void number_processors(uint32_t candidates);

}  // namespace shoal::smp
