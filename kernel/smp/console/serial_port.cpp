#include "kernel/smp/console/serial_port.hpp"

namespace shoal::smp::console {
namespace {

enum Register : unsigned {
    kData = 0,
    kDivisorLow = 0,
    kInterruptEnable = 1,
    kDivisorHigh = 1,
    kFifoControl = 2,
    kLineControl = 3,
    kModemControl = 4,
    kLineStatus = 5,
    kScratch = 7,
};
constexpr uint8_t kDivisorAccess = 0x80, kEightNoneOne = 0x03;
constexpr uint8_t kFifoEnableAndClear = 0x07;
constexpr uint8_t kReadyAndRequest = 0x03;
constexpr uint8_t kTransmitterEmpty = 0x20, kTransmitterIdle = 0x40;
constexpr uint8_t kFifoBytes = 16;
constexpr uint32_t kClocksPerBit = 16, kLargestDivisor = 0xffff;

}  // namespace

bool Serial16550::answers(const SerialPort& port) {
    constexpr uint8_t kPatterns[] = {0x5a, 0xa5};
    const UartRegisters registers(port.registers);
    for (const uint8_t pattern : kPatterns) {
        registers.write(kScratch, pattern);
        if (registers.read(kScratch) != pattern) return false;
    }
    return registers.read(kLineStatus) != 0xff;
}

void Serial16550::open(const SerialPort& port) {
    port_ = port;
    registers_ = UartRegisters(port.registers);
    registers_.write(kInterruptEnable, 0);
    if (port.baud != 0) set_speed();
    registers_.write(kLineControl, kEightNoneOne);
    registers_.write(kFifoControl, kFifoEnableAndClear);
    registers_.write(kModemControl, kReadyAndRequest);
    room_ = 0;
}

void Serial16550::set_speed() const {
    const uint64_t per_divisor = uint64_t{port_.baud} * kClocksPerBit;
    const uint64_t nearest = (port_.clock + per_divisor / 2) / per_divisor;
    const uint64_t divisor = nearest == 0 ? 1 : nearest > kLargestDivisor ? kLargestDivisor : nearest;
    registers_.write(kLineControl, kDivisorAccess);
    registers_.write(kDivisorLow, static_cast<uint8_t>(divisor));
    registers_.write(kDivisorHigh, static_cast<uint8_t>(divisor >> 8));
}

bool Serial16550::wait_for(uint8_t status) const {
    for (uint32_t tries = 0; tries < 1'000'000; ++tries)
        if ((registers_.read(kLineStatus) & status) != 0) return true;
    return false;
}

void Serial16550::put(char character) {
    if (room_ == 0) {
        if (!wait_for(kTransmitterEmpty)) return;
        room_ = kFifoBytes;
    }
    registers_.write(kData, static_cast<uint8_t>(character));
    --room_;
}

void Serial16550::drain() const { (void)wait_for(kTransmitterIdle); }

void Serial16550::write(const char* text, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; ++i) {
        if (text[i] == '\n') put('\r');
        put(text[i]);
    }
}

}  // namespace shoal::smp::console
