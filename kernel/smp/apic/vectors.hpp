// The interrupt vectors. 0..31 are exceptions (SDM vol. 3A, table 6-1).
#pragma once

#include <cstdint>

namespace shoal::smp {

inline constexpr uint8_t kFirst8259Vector = 0x20, kLast8259Vector = 0x2f;  // masked: spurious ones only
inline constexpr uint8_t kFirstDeviceVector = 0x30, kLastDeviceVector = 0xef;  // without kTrapVector
inline constexpr uint8_t kTrapVector = 0x80;
// Of the local APIC; the higher the class, the earlier it is served.
inline constexpr uint8_t kWakeVector = 0xf0, kTimerVector = 0xf1, kFlushVector = 0xf2,
                         kApicErrorVector = 0xf3, kSpuriousVector = 0xff;

}  // namespace shoal::smp
