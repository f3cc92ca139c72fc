#include "bench/sim/model/instruction.hpp"

#include <cstring>

namespace shoal::sim {
namespace {

// The prefixes that matter here, and the code behind all of them.
struct Prefixed {
    bool repeated = false;     // F2 or F3
    bool operand_word = false;  // 66
    bool wide = false;         // REX.W
    std::span<const uint8_t> rest;
};

constexpr bool is_other_prefix(uint8_t byte) {
    switch (byte) {
        case 0x67:                                   // address size
        case 0x26: case 0x2e: case 0x36: case 0x3e:  // segments without meaning in 64-bit mode
        case 0x64: case 0x65:                        // FS, GS
        case 0xf0:                                   // LOCK
            return true;
        default:
            return false;
    }
}

Prefixed strip_prefixes(std::span<const uint8_t> code) {
    Prefixed result;
    size_t i = 0;
    for (; i < code.size(); ++i) {
        const uint8_t byte = code[i];
        if (byte == 0xf2 || byte == 0xf3) result.repeated = true;
        else if (byte == 0x66) result.operand_word = true;
        else if ((byte & 0xf0) == 0x40) result.wide = (byte & 0x08) != 0;
        else if (!is_other_prefix(byte)) break;
    }
    result.rest = code.subspan(i);
    return result;
}

constexpr uint8_t register_field(uint8_t modrm) { return modrm >> 3 & 7; }
constexpr bool names_memory(uint8_t modrm) { return modrm < 0xc0; }

// Opcodes behind the byte 0F.
Operation decode_two_bytes(uint8_t opcode, uint8_t modrm) {
    switch (opcode) {
        case 0x05: return Operation::SystemCall;
        case 0x07: return Operation::SystemReturn;
        case 0x30: return Operation::WriteMsr;
        case 0xa2: return Operation::Cpuid;
        case 0x22:  // MOV to a control register
            return register_field(modrm) == 3 ? Operation::LoadCr3 : Operation::Ordinary;
        case 0x01:  // group 7: INVLPG is /7 with memory
            return names_memory(modrm) && register_field(modrm) == 7 ? Operation::FlushPage
                                                                     : Operation::Ordinary;
        case 0x38:  // INVPCID is 0F 38 82
            return modrm == 0x82 ? Operation::FlushPage : Operation::Ordinary;
        default: return Operation::Ordinary;
    }
}

uint8_t element_bytes(const Prefixed& instruction) {
    const bool byte_sized = (instruction.rest[0] & 1) == 0;
    if (byte_sized) return 1;
    if (instruction.wide) return 8;
    return instruction.operand_word ? 2 : 4;
}

}  // namespace

Instruction decode(std::span<const uint8_t> code) {
    const Prefixed instruction = strip_prefixes(code);
    if (instruction.rest.empty()) return {};
    const auto byte = [&](size_t i) -> uint8_t {
        return i < instruction.rest.size() ? instruction.rest[i] : 0;
    };
    switch (byte(0)) {
        case 0xa4: case 0xa5:  // MOVS
        case 0xaa: case 0xab:  // STOS
            if (!instruction.repeated) return {};
            return {Operation::StringStep, element_bytes(instruction)};
        case 0xcf: return {Operation::ExceptionReturn};
        case 0xe8: return {Operation::Call};
        case 0xff: return {register_field(byte(1)) == 2 ? Operation::Call : Operation::Ordinary};
        case 0xc2: case 0xc3: return {Operation::Return};
        case 0x0f:
            if (instruction.rest.size() < 2) return {};
            return {decode_two_bytes(byte(1), byte(2))};
        default: return {};
    }
}

std::optional<Mark> decode_mark(std::span<const uint8_t> code) {
    // NOPL disp32(%rax,%rax,1) with a displacement of 0x5eed0000 + mark.
    constexpr uint8_t kNop[] = {0x0f, 0x1f, 0x84, 0x00};
    constexpr uint32_t kSignature = 0x5eed;
    if (code.size() != 8 || std::memcmp(code.data(), kNop, sizeof kNop) != 0) return std::nullopt;
    uint32_t displacement;
    std::memcpy(&displacement, code.data() + 4, sizeof displacement);
    const auto mark = static_cast<uint16_t>(displacement);
    if (displacement >> 16 != kSignature || mark < 1 || mark > 4) return std::nullopt;
    return static_cast<Mark>(mark);
}

}  // namespace shoal::sim
