#include "kernel/smp/console/serial_port.hpp"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/smp/device_memory.hpp"

namespace shoal::smp::console::test {
namespace {

constexpr PhysicalAddress kUart{0xfe03'0000};
enum Register : size_t { kData, kDivisorHigh, kFifoControl, kLineControl, kModemControl, kLineStatus, kScratch = 7 };
constexpr uint8_t kIdle = 0x60;

SerialPort in_memory(uint8_t bytes, uint32_t baud = 115'200, uint32_t clock = SerialPort::kUsualClock) {
    return {{RegisterAddress::Space::Memory, bytes, kUart.raw()}, baud, clock};
}

// Registers that keep what was written last, with a transmitter that is always ready.
class Uart : public smp::test::DeviceMemory {
  public:
    explicit Uart(size_t stride) : DeviceMemory(kUart, 8 * stride), stride_(stride) { at(kLineStatus * stride) = kIdle; }
    uint8_t operator[](size_t number) { return at(number * stride_); }
    void set(size_t number, uint8_t value) { at(number * stride_) = value; }

  private:
    size_t stride_;
};

TEST(SerialPort, StandsInMemoryOneTwoOrFourBytesApart) {
    for (const auto bytes : std::to_array<uint8_t>({1, 2, 4})) {
        Uart uart(bytes);
        EXPECT_TRUE(Serial16550::answers(in_memory(bytes)));
        Serial16550 port;
        EXPECT_FALSE(port.is_open());
        port.open(in_memory(bytes));
        port.write("Shoal", 5);
        EXPECT_TRUE(port.is_open());
        EXPECT_EQ(uart[kData], 'l') << unsigned{bytes};
        EXPECT_EQ(uart[kLineControl], 0x03);
        EXPECT_EQ(uart[kFifoControl], 0x07);
        EXPECT_EQ(uart[kModemControl], 0x03);
        EXPECT_EQ(uart[kLineStatus], kIdle);
    }
}

// The divisor's high half shares its place with the register of interrupts, which open() clears first.
TEST(SerialPort, SetsTheNearestSpeed) {
    struct {
        uint32_t baud, clock, divisor_high;
    } const cases[] = {{115'200, SerialPort::kUsualClock, 0}, {300, SerialPort::kUsualClock, 384 >> 8},
                       {1, SerialPort::kUsualClock, 0xff},    {9'600, 48'000'000, 313 >> 8}};
    for (const auto& each : cases) {
        Uart uart(1);
        Serial16550 port;
        port.open(in_memory(1, each.baud, each.clock));
        EXPECT_EQ(uart[kDivisorHigh], each.divisor_high) << each.baud;
    }
}

TEST(SerialPort, LeavesTheFirmwaresSpeedWhereNoneIsGiven) {
    Uart uart(1);
    uart.set(kData, 0x5c);
    Serial16550 port;
    port.open(in_memory(1, 0));
    EXPECT_EQ(uart[kData], 0x5c);  // no divisor was written
}

TEST(SerialPort, NothingAnswersWhereNothingIs) {
    Uart uart(1);
    uart.set(kLineStatus, 0xff);
    EXPECT_FALSE(Serial16550::answers(in_memory(1)));
}

TEST(SerialPort, AStuckTransmitterLosesTextAndNotTheMachine) {
    Uart uart(1);
    uart.set(kLineStatus, 0);
    Serial16550 port;
    port.open(in_memory(1, 0));
    port.write("x", 1);
    port.drain();
    EXPECT_EQ(uart[kData], 0);
}

TEST(SerialPort, IsTheSameAtTheSamePlaceAndSpeedOnly) {
    Uart uart(4);
    Serial16550 port;
    port.open(in_memory(4));
    EXPECT_TRUE(port.is_open_at(in_memory(4)));
    EXPECT_FALSE(port.is_open_at(in_memory(4, 9600)));
    EXPECT_FALSE(port.is_open_at({.registers = {RegisterAddress::Space::Port, 1, 0x3f8}}));
    port.close();
    EXPECT_FALSE(port.is_open());
}

}  // namespace
}  // namespace shoal::smp::console::test
