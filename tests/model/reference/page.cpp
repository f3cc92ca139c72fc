#include "tests/model/reference/page.hpp"

namespace shoal::model {

std::shared_ptr<Contents> file_contents(uint64_t page, uint64_t clear_bytes) {
    const uint64_t word = (uint64_t{1} << 32) + page + 1;
    auto contents = std::make_shared<Contents>(Contents{word, 0, ~word});
    const uint64_t kept = kPageSize - clear_bytes;
    for (unsigned i = 0; i < kWordsUsed; ++i) {
        const uint64_t start = kWordIndex[i] * sizeof(uint64_t), bytes = kept < start ? 0 : kept - start;
        if (bytes < sizeof(uint64_t)) (*contents)[i] &= (uint64_t{1} << 8 * bytes) - 1;
    }
    return contents;
}

bool allows(uint64_t protection, Kind access) {
    switch (access) {
        case Kind::Write: return (protection & kProtectWrite) != 0;
        case Kind::Execute: return (protection & kProtectExecute) != 0;
        // x86 pages that can be written or executed can be read (SDM vol. 3A, 4.6).
        default: return protection != kProtectNone;
    }
}

bool alike(uint64_t protection, uint64_t other) {
    for (const Kind kind : {Kind::Read, Kind::Write, Kind::Execute})
        if (allows(protection, kind) != allows(other, kind)) return false;
    return true;
}

uint64_t round_up_to_pages(uint64_t bytes) { return (bytes + kPageSize - 1) & ~uint64_t{kPageSize - 1}; }

Error check_range(uint64_t address, uint64_t bytes) {
    if (address % kPageSize != 0 || bytes == 0) return Error::Invalid;
    if (bytes > kUserTop || address > kUserTop - round_up_to_pages(bytes)) return Error::BadAddress;
    return Error::None;
}

Error check_protection(uint64_t protection) {
    constexpr uint64_t kKnown = kProtectRead | kProtectWrite | kProtectExecute;
    if ((protection & ~kKnown) != 0) return Error::Invalid;
    const bool both = allows(protection, Kind::Write) && allows(protection, Kind::Execute);
    return both ? Error::Invalid : Error::None;
}

uint64_t next_number() {
    static uint64_t last = 0;
    return ++last;
}

}  // namespace shoal::model
