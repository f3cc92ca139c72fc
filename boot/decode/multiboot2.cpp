#include "boot/decode/multiboot2.hpp"

namespace shoal::boot {
namespace {

enum class Tag : uint32_t {
    End = 0,
    CommandLine = 1,
    Module = 3,
    MemoryMap = 6,
    Framebuffer = 8,
    OldRsdp = 14,
    NewRsdp = 15,
    EfiMemoryMap = 17,
};
constexpr size_t kTagHeaderBytes = 8, kTagAlignment = 8, kFixedPartBytes = 8;

// Multiboot2 2.0, 3.6.8.
MemoryKind kind_of_multiboot(uint32_t type) {
    if (type == 1) return MemoryKind::Usable;
    return type == 3 ? MemoryKind::AcpiTables : MemoryKind::Reserved;
}

// UEFI 2.10, 7.2.3, table 7.10: what is free once boot services have ended.
bool usable_after_boot_services(uint32_t type) {
    constexpr uint32_t kLoaderCode = 1, kLoaderData = 2, kServicesCode = 3, kServicesData = 4,
                       kConventional = 7;
    return type == kLoaderCode || type == kLoaderData || type == kServicesCode ||
           type == kServicesData || type == kConventional;
}

// Ranges that wrap around or are empty say nothing.
void add_memory(LoaderInformation& out, MemoryRange range) {
    if (range.bytes == 0 || range.start + range.bytes < range.start) return;
    if (!out.memory.push(range)) ++out.dropped;
}

void decode_memory_map(ByteView tag, LoaderInformation& out) {
    constexpr size_t kEntries = 16;
    const auto entry_bytes = tag.read<uint32_t>(8);
    if (entry_bytes < 20) return;
    for (size_t at = kEntries; tag.has(at, entry_bytes); at += entry_bytes)
        add_memory(out, {tag.read<uint64_t>(at), tag.read<uint64_t>(at + 8),
                         kind_of_multiboot(tag.read<uint32_t>(at + 16))});
}

// Of the firmware's own map only what is not free counts: GRUB's map has been made from it, but knows fewer kinds.
void decode_efi_memory_map(ByteView tag, LoaderInformation& out) {
    constexpr size_t kEntries = 16, kDescriptorBytes = 40;
    constexpr uint64_t kRuntime = uint64_t{1} << 63, kEfiPage = 4096;
    constexpr uint32_t kAcpiReclaim = 9;
    const auto entry_bytes = tag.read<uint32_t>(8);
    if (entry_bytes < kDescriptorBytes) return;
    out.from_efi = true;
    for (size_t at = kEntries; tag.has(at, entry_bytes); at += entry_bytes) {
        const auto type = tag.read<uint32_t>(at);
        const auto pages = tag.read<uint64_t>(at + 24);
        const bool runtime = (tag.read<uint64_t>(at + 32) & kRuntime) != 0;
        if ((usable_after_boot_services(type) && !runtime) || pages > ~uint64_t{0} / kEfiPage) continue;
        add_memory(out, {tag.read<uint64_t>(at + 8), pages * kEfiPage,
                         type == kAcpiReclaim ? MemoryKind::AcpiTables : MemoryKind::Reserved});
    }
}

void decode_module(ByteView tag, LoaderInformation& out) {
    const uint64_t start = tag.read<uint32_t>(8), end = tag.read<uint32_t>(12);
    if (!tag.has(0, 16) || end <= start) return;
    LoadedModule module{{}, start, end - start};
    tag.copy_text(16, module.name, sizeof module.name);
    for (char& c : module.name)
        if (c == ' ') c = '\0';  // the name is the first word
    if (!out.modules.push(module)) ++out.dropped;
}

void decode_framebuffer(ByteView tag, LoaderInformation& out) {
    constexpr uint8_t kRgb = 1, kText = 2;
    const auto type = tag.read<uint8_t>(29);
    if (!tag.has(0, 30) || (type != kRgb && type != kText)) return;
    smp::Framebuffer screen{
        .start = PhysicalAddress{tag.read<uint64_t>(8)},
        .pitch = tag.read<uint32_t>(16),
        .width = tag.read<uint32_t>(20),
        .height = tag.read<uint32_t>(24),
        .bits_per_pixel = tag.read<uint8_t>(28),
        .red_position = tag.read<uint8_t>(32),
        .green_position = tag.read<uint8_t>(34),
        .blue_position = tag.read<uint8_t>(36),
        .text_mode = type == kText,
    };
    const uint64_t line = type == kText ? uint64_t{screen.width} * 2
                                        : uint64_t{screen.width} * ((screen.bits_per_pixel + 7u) / 8);
    const bool sane = screen.bits_per_pixel >= 15 && screen.bits_per_pixel <= 32 && screen.height <= 16384;
    if (screen.pitch < line || screen.pitch > 1 << 20 || (type == kRgb && !sane)) return;
    if (screen.bits_per_pixel != 0) out.framebuffer = screen;
}

void decode_tag(Tag type, ByteView tag, LoaderInformation& out) {
    switch (type) {
        case Tag::CommandLine:
            out.command_line_cut =
                !tag.copy_text(kTagHeaderBytes, out.command_line, sizeof out.command_line);
            break;
        case Tag::Module: decode_module(tag, out); break;
        case Tag::MemoryMap: decode_memory_map(tag, out); break;
        case Tag::Framebuffer: decode_framebuffer(tag, out); break;
        case Tag::OldRsdp:
            if (out.rsdp.empty()) out.rsdp = tag.part(kTagHeaderBytes);
            break;
        case Tag::NewRsdp: out.rsdp = tag.part(kTagHeaderBytes); break;
        case Tag::EfiMemoryMap: decode_efi_memory_map(tag, out); break;
        case Tag::End: break;
    }
}

}  // namespace

bool decode_loader_information(ByteView information, LoaderInformation& out) {
    const auto total = information.read<uint32_t>(0);
    if (total < kFixedPartBytes + kTagHeaderBytes || !information.has(0, total)) return false;
    const ByteView tags = information.part(0, total);
    out.bytes = total;
    for (size_t at = kFixedPartBytes; tags.has(at, kTagHeaderBytes);) {
        const auto type = static_cast<Tag>(tags.read<uint32_t>(at));
        const auto bytes = tags.read<uint32_t>(at + 4);
        if (bytes < kTagHeaderBytes || !tags.has(at, bytes)) return false;
        if (type == Tag::End) return true;
        decode_tag(type, tags.part(at, bytes), out);
        at += (size_t{bytes} + kTagAlignment - 1) & ~(kTagAlignment - 1);
    }
    return false;
}

}  // namespace shoal::boot
