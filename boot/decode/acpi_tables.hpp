// Finding ACPI's tables: root pointer, then extended or old root table, then a table by its signature (ACPI 6.4, 5.2.5 - 5.2.8).
// A table counts only if its length is sane and its bytes sum to zero.
#pragma once

#include "boot/decode/byte_view.hpp"

namespace shoal::boot {

// Gives firmware's memory: the bytes at a physical address, or an empty view where they cannot be read.
using ReadPhysical = ByteView (*)(uint64_t address, uint64_t bytes);

inline constexpr size_t kAcpiHeaderBytes = 36;

class AcpiTables {
  public:
    explicit AcpiTables(ReadPhysical read) : read_(read) {}

    // rsdp: the loader's copy, 20 bytes of the old kind or 36 of the new. False: no valid root table can be reached.
    bool open(ByteView rsdp);

    // The first valid table of that signature, whole; empty if there is none.
    [[nodiscard]] ByteView find(const char (&signature)[5]) const;

    // A table by its address: for the DSDT, which is not in the root table.
    [[nodiscard]] ByteView at(uint64_t address) const;

  private:
    [[nodiscard]] bool open_root(uint64_t address, size_t entry_bytes);

    ReadPhysical read_;
    ByteView root_;
    size_t entry_bytes_ = 0;
};

}  // namespace shoal::boot
