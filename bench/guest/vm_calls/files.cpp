// Pages of a cached file: those of a shared map read, and those of a private one written for the first time.
#include "bench/guest/pages.hpp"
#include "bench/guest/vm_calls/file_provider.hpp"
#include "bench/guest/vm_calls/rows.hpp"

namespace shoal::bench {
namespace {

char* map_file(int protection, int flags) {
    void* memory = mmap(nullptr, kChunk, protection, flags, FileProvider::kDescriptor, 0);
    if (memory == MAP_FAILED) abort();
    return static_cast<char*>(memory);
}

}  // namespace

void file_round(unsigned) {
    char* memory = map_file(PROT_READ, MAP_SHARED);
    const volatile char* pages = memory;
    for (size_t i = 0; i < kChunk; i += kPage) (void)pages[i];
    if (munmap(memory, kChunk) != 0) abort();
}

void cow_round(unsigned) {
    char* memory = map_file(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    touch(memory, kChunk);
    if (munmap(memory, kChunk) != 0) abort();
}

}  // namespace shoal::bench
