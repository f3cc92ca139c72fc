#include "tests/unit/smp/device_memory.hpp"

#include <cstdio>
#include <cstdlib>

#include "kernel/smp/memory/direct_map.hpp"

namespace shoal::smp {
namespace test {
namespace {

DeviceMemory* present = nullptr;

}  // namespace

DeviceMemory::DeviceMemory(PhysicalAddress start, size_t bytes) : start_(start), bytes_(bytes) {
    present = this;
}

DeviceMemory::~DeviceMemory() {
    present = nullptr;
}

}  // namespace test

namespace memory {

volatile void* map_device(PhysicalAddress start, uint64_t bytes) {
    if (test::present == nullptr || !test::present->holds(start, bytes)) {
        fprintf(stderr, "no device at %lx\n", start.raw());
        abort();
    }
    return &test::present->at(start.raw() - test::present->start().raw());
}

}  // namespace memory
}  // namespace shoal::smp
