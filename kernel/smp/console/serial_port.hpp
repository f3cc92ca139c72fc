// A 16550 serial port, polled. (National Semiconductor PC16550D data sheet.)
#pragma once

#include <cstdint>

#include "kernel/smp/console/uart_registers.hpp"

namespace shoal::smp::console {

class Serial16550 {
  public:
    // Whether a UART answers there: its scratch register keeps what is written.
    static bool answers(const SerialPort& port);

    // 8 data bits, no parity, 1 stop bit, at the speed nearest to the one asked for.
    void open(const SerialPort& port);
    void close() { port_ = {}; }
    [[nodiscard]] bool is_open() const { return port_.present(); }
    [[nodiscard]] bool is_open_at(const SerialPort& port) const {
        return port_.registers == port.registers && port_.baud == port.baud;
    }
    // Waits for the transmitter, but not for ever: a port that is stuck loses text, not the machine.
    void write(const char* text, uint64_t bytes);
    // Waits, as long as write() would, until the last byte is on the line: what is in the FIFO dies with the machine.
    void drain() const;

  private:
    void set_speed() const;
    [[nodiscard]] bool wait_for(uint8_t status) const;
    void put(char character);

    SerialPort port_;
    UartRegisters registers_;
    uint8_t room_ = 0;  // bytes that the transmitter's FIFO takes before it must be asked again
};

}  // namespace shoal::smp::console
