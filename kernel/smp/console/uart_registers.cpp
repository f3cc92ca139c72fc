#include "kernel/smp/console/uart_registers.hpp"

#include "kernel/smp/memory/direct_map.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::smp::console {
namespace {

constexpr unsigned kRegisters = 8;

// Devices may answer accesses of the width that they name only.
uint8_t load(const volatile uint8_t* at, uint8_t bytes) {
    if (bytes == 4) return static_cast<uint8_t>(*reinterpret_cast<const volatile uint32_t*>(at));
    if (bytes == 2) return static_cast<uint8_t>(*reinterpret_cast<const volatile uint16_t*>(at));
    return *at;
}

void store(volatile uint8_t* at, uint8_t bytes, uint8_t value) {
    if (bytes == 4)
        *reinterpret_cast<volatile uint32_t*>(at) = value;
    else if (bytes == 2)
        *reinterpret_cast<volatile uint16_t*>(at) = value;
    else
        *at = value;
}

}  // namespace

UartRegisters::UartRegisters(const RegisterAddress& start) : start_(start) {
    if (start.space != RegisterAddress::Space::Memory) return;
    memory_ = static_cast<volatile uint8_t*>(
        memory::map_device(PhysicalAddress{start.address}, uint64_t{kRegisters} * start.bytes));
}

uint8_t UartRegisters::read(unsigned number) const {
    if (memory_ != nullptr) return load(memory_ + number * start_.bytes, start_.bytes);
    return x86::in8(static_cast<uint16_t>(start_.address + number));
}

void UartRegisters::write(unsigned number, uint8_t value) const {
    if (memory_ != nullptr) return store(memory_ + number * start_.bytes, start_.bytes, value);
    x86::out8(static_cast<uint16_t>(start_.address + number), value);
}

}  // namespace shoal::smp::console
