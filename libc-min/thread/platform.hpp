// What the portable part of the library needs from the system below it: on Shoal kernel and VM calls (platform_shoal.cpp), in
// host tests the host's own (tests/unit/libc/platform_host.cpp). So the same locks and the same heap run under ThreadSanitizer.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/error.hpp"

namespace shoal::libc::platform {

inline constexpr uint64_t kForever = 0;

// Sleeps while the word holds `expected`, for at most `timeout` nanoseconds. Again: it did not hold it; TimedOut. May return
// early without reason: callers look at the word again.
Error wait_on_word(std::atomic<uint32_t>& word, uint32_t expected, uint64_t timeout = kForever);

inline constexpr uint32_t kAll = ~uint32_t{0};
void wake_word(std::atomic<uint32_t>& word, uint32_t count);

// A name of the calling thread, not 0 and not that of any other living thread.
uint32_t thread_name();

// Nanoseconds since boot.
uint64_t now();

// Zeroed pages, nullptr if there are none. bytes: a multiple of 4,096. Any part of a mapping may be unmapped.
void* map_pages(size_t bytes);
void unmap_pages(void* start, size_t bytes);
// Whole mapped pages that nobody may touch from now on. False: refused.
bool forbid_pages(void* start, size_t bytes);

// At most 1,024 bytes to the console, at once.
void print(const char* text, size_t bytes);
[[noreturn]] void end_process(int status);

}  // namespace shoal::libc::platform
