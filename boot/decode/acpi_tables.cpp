#include "boot/decode/acpi_tables.hpp"

namespace shoal::boot {
namespace {

constexpr size_t kOldRsdpBytes = 20, kNewRsdpBytes = 36;
constexpr uint64_t kLongestTable = 16 << 20;

}  // namespace

bool AcpiTables::open(ByteView rsdp) {
    if (!rsdp.starts_with("RSD PTR ") || rsdp.part(0, kOldRsdpBytes).sum() != 0) return false;
    const bool is_new = rsdp.read<uint8_t>(15) >= 2 && rsdp.has(0, kNewRsdpBytes) &&
                        rsdp.part(0, kNewRsdpBytes).sum() == 0;
    if (is_new && open_root(rsdp.read<uint64_t>(24), sizeof(uint64_t))) return true;
    return rsdp.has(0, kOldRsdpBytes) && open_root(rsdp.read<uint32_t>(16), sizeof(uint32_t));
}

bool AcpiTables::open_root(uint64_t address, size_t entry_bytes) {
    root_ = at(address);
    entry_bytes_ = entry_bytes;
    return entry_bytes == sizeof(uint64_t) ? root_.starts_with("XSDT") : root_.starts_with("RSDT");
}

ByteView AcpiTables::at(uint64_t address) const {
    if (address == 0) return {};
    const auto length = read_(address, kAcpiHeaderBytes).read<uint32_t>(4);
    if (length < kAcpiHeaderBytes || length > kLongestTable) return {};
    const ByteView table = read_(address, length);
    return table.size() == length && table.sum() == 0 ? table : ByteView{};
}

ByteView AcpiTables::find(const char (&signature)[5]) const {
    for (size_t entry = kAcpiHeaderBytes; root_.has(entry, entry_bytes_); entry += entry_bytes_) {
        const uint64_t address = entry_bytes_ == sizeof(uint64_t) ? root_.read<uint64_t>(entry)
                                                                  : root_.read<uint32_t>(entry);
        if (address == 0 || !read_(address, kAcpiHeaderBytes).starts_with(signature)) continue;
        const ByteView table = at(address);
        if (!table.empty()) return table;
    }
    return {};
}

}  // namespace shoal::boot
