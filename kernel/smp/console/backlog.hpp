// The beginning of the console's text, kept until a device is known, and shown again on a device that is chosen later.
#pragma once

#include <cstdint>

namespace shoal::smp::console {

class Backlog {
  public:
    static constexpr uint64_t kBytes = 8192;

    void add(const char* text, uint64_t bytes) {
        for (uint64_t i = 0; i < bytes && used_ < kBytes; ++i) text_[used_++] = text[i];
    }
    [[nodiscard]] const char* text() const { return text_; }
    [[nodiscard]] uint64_t bytes() const { return used_; }
    void close() { used_ = kBytes; }

  private:
    char text_[kBytes] = {};
    uint64_t used_ = 0;
};

}  // namespace shoal::smp::console
