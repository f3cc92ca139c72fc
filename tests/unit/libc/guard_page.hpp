// A page's worth of memory between two pages that nobody may touch: what reads or writes a byte too many dies of it.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstring>
#include <string>

namespace shoal::test {

class GuardedPage {
  public:
    static constexpr size_t kBytes = 4096;

    GuardedPage()
        : mapping_(static_cast<char*>(mmap(nullptr, 3 * kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
        mprotect(mapping_ + kBytes, kBytes, PROT_READ | PROT_WRITE);
    }
    ~GuardedPage() { munmap(mapping_, 3 * kBytes); }
    GuardedPage(const GuardedPage&) = delete;
    GuardedPage& operator=(const GuardedPage&) = delete;

    [[nodiscard]] char* start() const { return mapping_ + kBytes; }
    [[nodiscard]] char* end() const { return mapping_ + 2 * kBytes; }
    // The last bytes before the upper page.
    [[nodiscard]] char* last(size_t bytes) const { return end() - bytes; }
    // The text with its NUL right before the upper page.
    [[nodiscard]] char* put_last(const std::string& text) const {
        return static_cast<char*>(std::memcpy(last(text.size() + 1), text.c_str(), text.size() + 1));
    }
    // The text without a NUL.
    [[nodiscard]] char* put_unended(const std::string& text) const {
        return static_cast<char*>(std::memcpy(last(text.size()), text.data(), text.size()));
    }

  private:
    char* mapping_;
};

}  // namespace shoal::test
