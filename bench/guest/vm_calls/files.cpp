// Pages of a cached file: those of a shared map read, and those of a private one written for the first time.
#include "bench/guest/pages.hpp"
#include "bench/guest/vm_calls/file_provider.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

char* map_file(size_t bytes, int protection, int flags) {
    void* memory = mmap(nullptr, bytes, protection, flags, FileProvider::kDescriptor, 0);
    if (memory == MAP_FAILED) abort();
    return static_cast<char*>(memory);
}

// For as long as the actor lives, as its descriptor does on Linux. A file that nobody maps is closed, and opened again for the next map.
void keep_open() {
    [[maybe_unused]] static const char* const kept = map_file(kPage, PROT_READ, MAP_SHARED);
}

}  // namespace

void file_round(unsigned) {
    keep_open();
    char* memory = map_file(kChunk, PROT_READ, MAP_SHARED);
    const volatile char* pages = memory;
    for (size_t i = 0; i < kChunk; i += kPage) (void)pages[i];
    if (munmap(memory, kChunk) != 0) abort();
}

void cow_round(unsigned) {
    keep_open();
    char* memory = map_file(kChunk, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    touch(memory, kChunk);
    if (munmap(memory, kChunk) != 0) abort();
}

}  // namespace shoal::bench
