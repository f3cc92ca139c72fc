#include "boot/decode/sleep_state.hpp"

namespace shoal::boot {
namespace {

constexpr uint8_t kZeroOp = 0x00, kOneOp = 0x01, kNameOp = 0x08, kBytePrefix = 0x0a,
                  kWordPrefix = 0x0b, kDoubleWordPrefix = 0x0c, kPackageOp = 0x12, kRootPrefix = '\\';
constexpr uint8_t kLargestType = 7;

// Reads one integer constant at `at` and steps over it; false for anything else.
bool read_constant(ByteView code, size_t& at, uint8_t& value) {
    size_t operand_bytes = 0;
    switch (code.read<uint8_t>(at)) {
        case kZeroOp:
        case kOneOp: value = code.read<uint8_t>(at); break;
        case kBytePrefix: operand_bytes = 1; break;
        case kWordPrefix: operand_bytes = 2; break;
        case kDoubleWordPrefix: operand_bytes = 4; break;
        default: return false;
    }
    if (!code.has(at, 1 + operand_bytes)) return false;
    if (operand_bytes != 0) value = code.read<uint8_t>(at + 1);  // little-endian, and small
    at += 1 + operand_bytes;
    return value <= kLargestType;
}

// at: behind the name.
SleepTypes read_package(ByteView code, size_t at) {
    if (code.read<uint8_t>(at) != kPackageOp) return {};
    ++at;
    at += 1u + (code.read<uint8_t>(at) >> 6);  // the length's own length (20.2.4)
    const auto elements = code.read<uint8_t>(at);
    ++at;
    SleepTypes types;
    if (elements == 0 || !read_constant(code, at, types.a)) return {};
    if (elements >= 2 && !read_constant(code, at, types.b)) return {};
    types.found = true;
    return types;
}

}  // namespace

SleepTypes find_soft_off(ByteView dsdt) {
    constexpr size_t kNameBytes = 4;
    for (size_t at = 1; dsdt.has(at, kNameBytes); ++at) {
        if (!dsdt.part(at, kNameBytes).starts_with("_S5_")) continue;
        const auto before = dsdt.read<uint8_t>(at - 1);
        const bool defined =
            before == kNameOp || (before == kRootPrefix && at >= 2 && dsdt.read<uint8_t>(at - 2) == kNameOp);
        if (!defined) continue;
        const SleepTypes types = read_package(dsdt, at + kNameBytes);
        if (types.found) return types;
    }
    return {};
}

}  // namespace shoal::boot
