#include "tests/guest/historian/own_pages.hpp"

#include "abi/vm_call_stubs.hpp"

namespace shoal::test {

const char* OwnPages::access(Page& page, uint64_t at, Random& random) {
    const auto word = static_cast<unsigned>(random.below(kWordsOfPage));
    volatile uint8_t& byte = byte_at(at, word);
    if (byte != page.bytes[word]) return "a page of its own holds something else";
    if ((page.protection & kProtectWrite) != 0) byte = page.bytes[word] = static_cast<uint8_t>(random.next());
    return nullptr;
}

const char* OwnPages::change(Page& page, VirtualAddress at, Random& random) {
    constexpr uint64_t kProtections[] = {kReadWrite, kReadWrite, kProtectRead, kProtectNone};
    const uint64_t protection = random.pick(std::span<const uint64_t>(kProtections));
    const Error absent = page.mapped ? Error::None : Error::BadAddress;
    switch (random.below(4)) {
        case 0:
            if (!vm_calls::mmap(at, kPageSize, protection, kMapping).ok()) return "mmap failed";
            page = Page{true, protection, {}};
            return nullptr;
        case 1:
            if (!vm_calls::munmap(at, kPageSize).ok()) return "munmap failed";
            page = Page{};
            return nullptr;
        case 2:
            if (vm_calls::mprotect(at, kPageSize, protection).error() != absent) return "mprotect answers something else";
            if (page.mapped) page.protection = protection;
            return nullptr;
        default:
            if (vm_calls::madvise(at, kPageSize, kAdviseDontNeed).error() != absent) return "madvise answers something else";
            for (uint8_t& byte : page.bytes) byte = 0;
            return nullptr;
    }
}

const char* OwnPages::do_something(Random& random) {
    const auto which = static_cast<uint32_t>(random.below(kOwnPages));
    Page& page = pages_[which];
    const uint64_t at = address_of_own(worker_, workers_, which);
    const bool readable = (page.protection & kProtectRead) != 0;
    return readable && !random.one_in(3) ? access(page, at, random) : change(page, VirtualAddress{at}, random);
}

}  // namespace shoal::test
