#include "kernel/smp/apic/io_apic.hpp"

#include "kernel/smp/memory/direct_map.hpp"

namespace shoal::smp {
namespace {

class IoApic {
  public:
    explicit IoApic(const IoApicDescription& description)
        : registers_(static_cast<volatile uint32_t*>(
              memory::map_device(description.registers, kPageSize))) {}

    [[nodiscard]] uint32_t inputs() const { return (read(kVersion) >> 16 & 0xff) + 1; }

    void mask(uint32_t input) {
        write(kRedirection + 2 * input, kMasked);
        write(kRedirection + 2 * input + 1, 0);
    }

  private:
    static constexpr uint32_t kVersion = 1, kRedirection = 0x10, kMasked = 1 << 16;

    [[nodiscard]] uint32_t read(uint32_t index) const {
        registers_[0] = index;
        return registers_[4];
    }
    void write(uint32_t index, uint32_t value) {
        registers_[0] = index;
        registers_[4] = value;
    }
    volatile uint32_t* registers_;
};

}  // namespace

void mask_io_apics(const MachineDescription& machine) {
    for (const IoApicDescription& description : machine.io_apics) {
        IoApic io_apic(description);
        const uint32_t inputs = io_apic.inputs();
        for (uint32_t input = 0; input < inputs; ++input) io_apic.mask(input);
    }
}

}  // namespace shoal::smp
