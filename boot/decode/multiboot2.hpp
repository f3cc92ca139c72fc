// What a Multiboot2 loader tells: memory map, modules, command line, RSDP, framebuffer, EFI memory map (Multiboot2 2.0, 3.6).
#pragma once

#include "boot/decode/byte_view.hpp"
#include "kernel/smp/machine_description.hpp"

namespace shoal::boot {

inline constexpr uint32_t kLoaderMagic = 0x36d76289;

enum class MemoryKind : uint8_t { Usable, AcpiTables, Reserved };

struct MemoryRange {
    uint64_t start, bytes;
    MemoryKind kind;
    [[nodiscard]] constexpr uint64_t end() const { return start + bytes; }
};

struct LoadedModule {
    char name[24];
    uint64_t start, bytes;
};

struct LoaderInformation {
    static constexpr size_t kMaxMemoryRanges = 256, kMaxModules = 32;

    smp::BoundedList<MemoryRange, kMaxMemoryRanges> memory;  // in the loader's order; ranges may overlap
    smp::BoundedList<LoadedModule, kMaxModules> modules;
    char command_line[smp::MachineDescription::kCommandLineBytes] = {};
    ByteView rsdp;  // the new one if there is one
    smp::Framebuffer framebuffer;
    uint64_t bytes = 0;     // of the information itself
    uint32_t dropped = 0;   // ranges and modules beyond the lists' ends
    bool command_line_cut = false;
    bool from_efi = false;
};

// information: from the address that the loader gave, as long as is mapped. Invalid: no well-formed list of tags; unknown
// and damaged tags alone are passed over.
bool decode_loader_information(ByteView information, LoaderInformation& out);

}  // namespace shoal::boot
