// DeviceMemory: what code under test finds where it maps a device's registers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.hpp"

namespace shoal::smp::test {

// While it lives, memory::map_device() of addresses from `start` on gives these bytes; any other address ends the test.
class DeviceMemory {
  public:
    DeviceMemory(PhysicalAddress start, size_t bytes);
    ~DeviceMemory();
    DeviceMemory(const DeviceMemory&) = delete;
    DeviceMemory& operator=(const DeviceMemory&) = delete;

    template <typename T = uint8_t>
    [[nodiscard]] volatile T& at(size_t offset) {
        return *reinterpret_cast<volatile T*>(bytes_.data() + offset);
    }
    [[nodiscard]] bool holds(PhysicalAddress start, uint64_t bytes) const {
        return start.raw() >= start_.raw() && bytes <= bytes_.size() && start.raw() - start_.raw() <= bytes_.size() - bytes;
    }
    [[nodiscard]] PhysicalAddress start() const { return start_; }

  private:
    PhysicalAddress start_;
    std::vector<uint8_t> bytes_;
};

}  // namespace shoal::smp::test
