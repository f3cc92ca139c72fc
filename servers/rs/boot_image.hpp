// The images that came with the kernel: RS owns them, as ordinary memory of its own.
#pragma once

#include <cstdint>

#include "abi/boot_info.hpp"
#include "base/address.hpp"

namespace shoal::rs {

struct Image {
    VirtualAddress start;
    uint64_t bytes = 0;
};

class BootImages {
  public:
    // table: as VM has left it (abi/boot_info.hpp). It stays.
    explicit BootImages(const BootImage& table) : table_(table) {}

    // nullptr start: no such image, or it has been given back.
    [[nodiscard]] Image find(const char* name) const;
    // Gives the memory of an image back that will not be loaded again.
    void give_back(const char* name);
    // The n-th name, without a NUL where it fills its field; nullptr behind the last.
    [[nodiscard]] const char* name(uint32_t index) const;
    [[nodiscard]] const char* command_line() const { return table_.command_line; }

  private:
    [[nodiscard]] int index_of(const char* name) const;
    const BootImage& table_;
    bool given_back_[BootInfo::kMaxModules] = {};
};

}  // namespace shoal::rs
