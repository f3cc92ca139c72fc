#include "tests/guest/historian/fought_over.hpp"

#include "abi/grant.hpp"
#include "abi/kernel_call_stubs.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/historian/arena.hpp"

namespace shoal::test {

namespace {

constexpr uint64_t kProtections[] = {kReadWrite, kReadWrite, kProtectRead, kProtectNone};
constexpr Act kOnFenced[] = {Act::Map,  Act::Unmap, Act::Protect, Act::Protect, Act::Discard, Act::Read,
                             Act::Read, Act::Read,  Act::Write,   Act::Write,   Act::Write};
constexpr Act kOnOpen[] = {Act::Map, Act::Discard, Act::Read, Act::Read, Act::Read, Act::Write, Act::Write, Act::Write};

Grant fenced_pages[1];

Error call(const Event& event, VirtualAddress start, uint64_t bytes) {
    switch (event.act) {
        case Act::Map: return vm_calls::mmap(start, bytes, event.protection, kMapping).error();
        case Act::Unmap: return vm_calls::munmap(start, bytes).error();
        case Act::Protect: return vm_calls::mprotect(start, bytes, event.protection).error();
        case Act::Discard: return vm_calls::madvise(start, bytes, kAdviseDontNeed).error();
        case Act::Read:
        case Act::Write: break;
    }
    return Error::Invalid;
}

constexpr uint64_t kMostLooks = 30'000;

// Not 0, which is what a new page holds.
uint8_t some_value(Random& random) { return static_cast<uint8_t>(1 + random.below(255)); }

void look_at(const volatile uint8_t& byte) { [[maybe_unused]] const uint8_t seen = byte; }

bool is_access(Act act) { return act == Act::Read || act == Act::Write; }

}  // namespace

Error FoughtOver::open(EventClock& clock, EventLog& log) {
    constexpr uint32_t kUsable = Grant::kUsed | Grant::kDirect | Grant::kValid | Grant::kRead | Grant::kWrite;
    fenced_pages[0] = {kUsable, 0, kernel_facts().self, {}, address_of_page(0), kFencedPages * kPageSize};
    Event event{clock.tick(), 0, kFencedPages, kOpenPages, Act::Map, 0, kReadWrite, 0, Error::None};
    event.error = call(event, VirtualAddress{address_of_page(kFencedPages)}, kOpenPages * kPageSize);
    event.ended = clock.tick();
    log.add(event);
    if (event.error != Error::None) return event.error;
    return kernel_calls::grant_table(VirtualAddress{reinterpret_cast<uint64_t>(fenced_pages)}, 1).error();
}

// before: bytes below the page that are changed with it; nothing else is used there.
void FoughtOver::change(Event event, uint64_t before) {
    const VirtualAddress start{address_of_page(event.page) - before};
    event.began = clock_.tick();
    event.error = call(event, start, before + event.pages * kPageSize);
    event.ended = clock_.tick();
    log_.add(event);
}

void FoughtOver::access_once(Event event) {
    volatile uint8_t& byte = byte_at(address_of_page(event.page), event.word);
    event.began = clock_.tick();
    if (event.act == Act::Write) byte = event.value;
    else event.value = byte;
    event.ended = clock_.tick();
    log_.add(event);
}

// And again later, with nothing between but looks at the page: so that the CPU still has in its TLB what others change meanwhile.
void FoughtOver::access_open(Event event) {
    access_once(event);
    for (uint64_t looks = random_.below(kMostLooks); looks > 0; --looks) look_at(byte_at(address_of_page(event.page), event.word));
    event.act = random_.one_in(3) ? Act::Write : Act::Read;
    event.value = some_value(random_);
    access_once(event);
}

void FoughtOver::access_fenced(Event event) {
    const uint64_t offset = event.page * kPageSize + kPlaceOfWord[event.word];
    const VirtualAddress own{reinterpret_cast<uint64_t>(&event.value)};
    event.began = clock_.tick();
    event.error = event.act == Act::Write ? kernel_calls::safe_copy_to(kernel_facts().self, 0, offset, own, 1).error()
                                          : kernel_calls::safe_copy_from(kernel_facts().self, 0, offset, own, 1).error();
    event.ended = clock_.tick();
    log_.add(event);
}

void FoughtOver::do_something() {
    Event event{};
    const bool open = random_.one_in(2);
    const uint32_t limit = open ? kFoughtOver : kFencedPages;
    event.page = static_cast<uint32_t>(open ? kFencedPages + random_.below(kOpenPages) : random_.below(kFencedPages));
    event.pages = 1;
    event.act = open ? random_.pick(std::span<const Act>(kOnOpen)) : random_.pick(std::span<const Act>(kOnFenced));
    event.word = static_cast<uint8_t>(random_.below(kWordsOfPage));
    event.value = some_value(random_);
    event.protection = static_cast<uint8_t>(open ? kReadWrite : random_.pick(std::span<const uint64_t>(kProtections)));
    if (is_access(event.act)) return open ? access_open(event) : access_fenced(event);
    if (random_.one_in(4)) event.pages += static_cast<uint32_t>(random_.below(limit - event.page));
    if (open && random_.one_in(2)) event.page = kFencedPages, event.pages = kOpenPages;  // whatever others are just looking at
    uint64_t before = 0;
    if (!open && event.page > 0 && random_.one_in(16)) {  // of several pages, so that a failure is no page's
        event.pages += event.page;
        event.page = 0;
        before = kLong;
    }
    change(event, before);
}

}  // namespace shoal::test
