// The eight registers of a 16550, at I/O ports or in memory.
#pragma once

#include <cstdint>

#include "kernel/smp/machine_description.hpp"

namespace shoal::smp::console {

class UartRegisters {
  public:
    UartRegisters() = default;
    // Those in memory get mapped, which needs the kernel's own page tables (memory::map_device).
    explicit UartRegisters(const RegisterAddress& start);

    // number: 0..7
    [[nodiscard]] uint8_t read(unsigned number) const;
    void write(unsigned number, uint8_t value) const;

  private:
    RegisterAddress start_;
    volatile uint8_t* memory_ = nullptr;  // nullptr: ports
};

}  // namespace shoal::smp::console
