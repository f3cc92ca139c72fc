#include "boot/qemu_config.hpp"

#include <cstdint>
#include <cstring>

#include "kernel/smp/x86/cpuid.hpp"
#include "kernel/smp/x86/instructions.hpp"

namespace shoal::boot {
namespace {

constexpr uint16_t kSelectorPort = 0x510, kDataPort = 0x511;
constexpr uint16_t kSignature = 0x0000, kDirectory = 0x0019;
constexpr char kFileName[] = "opt/shoal/append";
constexpr size_t kNameBytes = 56;
constexpr uint32_t kMostFiles = 1024;

void select(uint16_t item) { smp::x86::out16(kSelectorPort, item); }

uint8_t next_byte() { return smp::x86::in8(kDataPort); }

uint32_t next_big_endian(size_t bytes) {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | next_byte();
    return value;
}

struct File {
    uint32_t bytes;
    uint16_t item;
    char name[kNameBytes];
};

File next_file() {
    File file;
    file.bytes = next_big_endian(4);
    file.item = static_cast<uint16_t>(next_big_endian(2));
    next_big_endian(2);
    for (char& c : file.name) c = static_cast<char>(next_byte());
    return file;
}

}  // namespace

bool on_qemu() {
    constexpr uint32_t kHypervisor = uint32_t{1} << 31;
    if ((smp::x86::cpuid(1).ecx & kHypervisor) == 0) return false;
    select(kSignature);
    char signature[4];
    for (char& c : signature) c = static_cast<char>(next_byte());
    return memcmp(signature, "QEMU", sizeof signature) == 0;
}

size_t read_appended_options(char* buffer, size_t capacity) {
    select(kDirectory);
    const uint32_t files = next_big_endian(4);
    for (uint32_t i = 0; i < files && i < kMostFiles; ++i) {
        const File file = next_file();
        if (memcmp(file.name, kFileName, sizeof kFileName) != 0) continue;
        select(file.item);
        const size_t bytes = file.bytes < capacity ? file.bytes : capacity;
        for (size_t at = 0; at < bytes; ++at) buffer[at] = static_cast<char>(next_byte());
        return bytes;
    }
    return 0;
}

}  // namespace shoal::boot
