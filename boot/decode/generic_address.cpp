#include "boot/decode/generic_address.hpp"

namespace shoal::boot {

smp::RegisterAddress decode_generic_address(ByteView structure, uint8_t access_bytes) {
    using Space = smp::RegisterAddress::Space;
    constexpr uint8_t kMemory = 0, kPort = 1;
    if (!structure.has(0, kGenericAddressBytes)) return {};
    const auto space = structure.read<uint8_t>(0);
    const auto access = structure.read<uint8_t>(3);  // 1: byte .. 4: 8 bytes
    const auto address = structure.read<uint64_t>(4);
    if (address == 0 || space > kPort || access > 4) return {};
    if (space == kPort && address > 0xffff) return {};
    const auto bytes = access == 0 ? access_bytes : static_cast<uint8_t>(1u << (access - 1));
    return {space == kMemory ? Space::Memory : Space::Port, bytes, address};
}

}  // namespace shoal::boot
