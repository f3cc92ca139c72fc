// The library's platform on Linux: futexes and mmap.
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cerrno>

#include "libc-min/start/environment.hpp"
#include "libc-min/thread/platform.hpp"
#include "tests/unit/libc/host_platform.hpp"

namespace {

std::atomic<size_t> mapped{0};
shoal::test::CapturedConsole* console = nullptr;

}  // namespace

size_t shoal::test::mapped_bytes() { return mapped.load(); }
shoal::test::CapturedConsole::CapturedConsole() { console = this; }
shoal::test::CapturedConsole::~CapturedConsole() { console = nullptr; }

char** shoal::libc::environment;
shoal::libc::TlsImage shoal::libc::TlsImage::of_program() { return test::tls_image; }

namespace shoal::libc::platform {

Error wait_on_word(std::atomic<uint32_t>& word, uint32_t expected, uint64_t timeout) {
    const timespec limit = {static_cast<time_t>(timeout / 1'000'000'000),
                            static_cast<long>(timeout % 1'000'000'000)};
    const long result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected,
                                timeout == kForever ? nullptr : &limit, nullptr, 0);
    if (result == 0) return Error::None;
    return errno == ETIMEDOUT ? Error::TimedOut : Error::Again;
}

void wake_word(std::atomic<uint32_t>& word, uint32_t count) {
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count > INT_MAX ? INT_MAX : count, nullptr,
            nullptr, 0);
}

uint32_t thread_name() { return static_cast<uint32_t>(gettid()); }

uint64_t now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

void* map_pages(size_t bytes) {
    void* start =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return nullptr;
    mapped += bytes;
    return start;
}

void unmap_pages(void* start, size_t bytes) {
    munmap(start, bytes);
    mapped -= bytes;
}

bool forbid_pages(void* start, size_t bytes) { return mprotect(start, bytes, PROT_NONE) == 0; }

void print(const char* text, size_t bytes) {
    if (console != nullptr) console->pieces.emplace_back(text, bytes);
    else (void)!write(STDERR_FILENO, text, bytes);
}

void end_process(int status) { _exit(status); }

}  // namespace shoal::libc::platform
