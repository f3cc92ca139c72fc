// What things cost in the model, in cycles. An ordinary instruction costs one; the rest is here. Instructions that are charged are
// not charged once more as instructions.
#pragma once

#include <cstdint>

#include "bench/sim/model/instruction.hpp"

namespace shoal::sim {

struct Charges {
    uint64_t remote_line = 120;  // a line that comes from, or is invalidated in, another core
    uint64_t cold_line = 60;     // a line that nobody has touched before
    uint64_t exception = 500;    // entry and IRET together, charged at the IRET
    uint64_t system_call = 70;
    uint64_t system_return = 50;
    uint64_t write_msr = 150;
    uint64_t load_cr3 = 200;
    uint64_t flush_page = 150;  // INVLPG, INVPCID
    uint64_t cpuid = 100;
    uint64_t string_bytes_a_cycle = 32;  // REP MOVS and REP STOS, whatever the element

    // Of one execution. String operations are charged by their bytes (Core::add_string_bytes), so nothing here.
    [[nodiscard]] constexpr uint64_t of(Operation operation) const {
        switch (operation) {
            case Operation::ExceptionReturn: return exception;
            case Operation::SystemCall: return system_call;
            case Operation::SystemReturn: return system_return;
            case Operation::WriteMsr: return write_msr;
            case Operation::LoadCr3: return load_cr3;
            case Operation::FlushPage: return flush_page;
            case Operation::Cpuid: return cpuid;
            case Operation::StringStep: return 0;
            case Operation::Ordinary:
            case Operation::Call:
            case Operation::Return: return 1;
        }
        return 1;
    }
};

}  // namespace shoal::sim
