#include "boot/decode/small_tables.hpp"

#include "boot/decode/generic_address.hpp"

namespace shoal::boot {
namespace {

// Fields of the SPCR.
constexpr size_t kRevision = 8, kInterface = 36, kBase = 40, kRegisterBits = 41, kSpeedCode = 58, kClock = 76, kSpeed = 80;

// 0: as it is. From revision 4 on the speed may stand there as a number.
uint32_t speed_of(ByteView spcr) {
    if (spcr.read<uint8_t>(kRevision) >= 4 && spcr.read<uint32_t>(kSpeed) != 0) return spcr.read<uint32_t>(kSpeed);
    switch (spcr.read<uint8_t>(kSpeedCode)) {
        case 3: return 9'600;
        case 4: return 19'200;
        case 6: return 57'600;
        case 7: return 115'200;
        default: return 0;
    }
}

uint32_t clock_of(ByteView spcr) {
    const uint32_t clock = spcr.read<uint8_t>(kRevision) >= 3 ? spcr.read<uint32_t>(kClock) : 0;
    return clock != 0 ? clock : smp::SerialPort::kUsualClock;
}

}  // namespace

PhysicalAddress decode_hpet(ByteView hpet) {
    const smp::RegisterAddress registers = decode_generic_address(hpet.part(40, kGenericAddressBytes), 4);
    if (registers.space != smp::RegisterAddress::Space::Memory) return PhysicalAddress{0};
    return PhysicalAddress{registers.address};
}

smp::SerialPort decode_spcr(ByteView spcr) {
    using Space = smp::RegisterAddress::Space;
    constexpr uint8_t kFull16550 = 0, kSubset16450 = 1, kByGenericAddress = 0x12, kRegisters = 8;
    const auto kind = spcr.read<uint8_t>(kInterface);
    const auto bits = spcr.read<uint8_t>(kRegisterBits);
    const uint8_t usual_bytes = bits == 16 || bits == 32 ? bits / 8 : 1;
    smp::RegisterAddress registers = decode_generic_address(spcr.part(kBase, kGenericAddressBytes), usual_bytes);
    if (registers.space == Space::Port) registers.bytes = 1;
    const bool is_16550 = kind == kFull16550 || kind == kSubset16450 || kind == kByGenericAddress;
    const bool fits = registers.space == Space::Memory || registers.address + kRegisters <= 0x1'0000;
    if (!is_16550 || !registers.present() || registers.bytes > 4 || !fits) return {};
    return {registers, speed_of(spcr), clock_of(spcr)};
}

}  // namespace shoal::boot
