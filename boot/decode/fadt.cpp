#include "boot/decode/fadt.hpp"

#include "boot/decode/generic_address.hpp"

namespace shoal::boot {
namespace {

enum Offset : size_t {
    kDsdt = 40,
    kPm1aControl = 64,
    kPm1bControl = 68,
    kPmTimer = 76,
    kPmTimerLength = 91,
    kFlags = 112,
    kResetRegister = 116,
    kResetValue = 128,
    kExtendedDsdt = 140,
    kExtendedPm1aControl = 172,
    kExtendedPm1bControl = 184,
    kExtendedPmTimer = 208,
};
constexpr uint32_t kTimerIs32Bits = 1 << 8, kResetSupported = 1 << 10, kHardwareReduced = 1 << 20;

// The extended field where it is filled in, else the port number of the old one.
smp::RegisterAddress block(ByteView fadt, Offset extended, Offset old, uint8_t bytes) {
    const smp::RegisterAddress wide =
        decode_generic_address(fadt.part(extended, kGenericAddressBytes), bytes);
    if (wide.present()) return wide;
    const auto port = fadt.read<uint32_t>(old);
    if (port == 0 || port > 0xffff) return {};
    return {smp::RegisterAddress::Space::Port, bytes, port};
}

}  // namespace

uint64_t decode_fadt(ByteView fadt, smp::MachineDescription& machine) {
    const auto flags = fadt.read<uint32_t>(kFlags);
    smp::PowerControl& power = machine.power;
    if ((flags & kResetSupported) != 0) {
        power.reset = decode_generic_address(fadt.part(kResetRegister, kGenericAddressBytes), 1);
        power.reset_value = fadt.read<uint8_t>(kResetValue);
    }
    if ((flags & kHardwareReduced) == 0) {
        power.pm1a_control = block(fadt, kExtendedPm1aControl, kPm1aControl, 2);
        power.pm1b_control = block(fadt, kExtendedPm1bControl, kPm1bControl, 2);
        if (fadt.read<uint8_t>(kPmTimerLength) == 4)
            machine.pm_timer.counter = block(fadt, kExtendedPmTimer, kPmTimer, 4);
        machine.pm_timer.bits = (flags & kTimerIs32Bits) != 0 ? 32 : 24;
    }
    const auto dsdt = fadt.read<uint64_t>(kExtendedDsdt);
    return dsdt != 0 ? dsdt : fadt.read<uint32_t>(kDsdt);
}

}  // namespace shoal::boot
