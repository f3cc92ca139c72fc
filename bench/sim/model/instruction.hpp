// What the model needs to know of an instruction, read from its bytes (Intel SDM volume 2, chapter 2 and appendix A).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace shoal::sim {

enum class Operation : uint8_t {
    Ordinary,
    Call,
    Return,
    StringStep,  // one element of REP MOVS or REP STOS
    ExceptionReturn,
    SystemCall,
    SystemReturn,
    WriteMsr,
    LoadCr3,
    FlushPage,
    Cpuid,
};

struct Instruction {
    Operation operation = Operation::Ordinary;
    uint8_t string_bytes = 0;  // of a StringStep: 1, 2, 4 or 8
};

// code: exactly one instruction of 64-bit code.
Instruction decode(std::span<const uint8_t> code);

// What a program says to the model: long NOPs, bench/guest/marks.hpp.
enum class Mark : uint16_t { StretchBegin = 1, StretchEnd = 2, MeasureOn = 3, MeasureOff = 4 };

std::optional<Mark> decode_mark(std::span<const uint8_t> code);

}  // namespace shoal::sim
