// AuditLine: one line of text, put together without a library and without memory.
#pragma once

#include <cstdint>

#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

class AuditLine {
  public:
    AuditLine& text(const char* text) {
        for (; *text != 0 && length_ < kRoom; ++text) buffer_[length_++] = *text;
        return *this;
    }
    AuditLine& number(uint64_t value) {
        constexpr char kDigits[] = "0123456789abcdef";
        text("0x");
        unsigned shift = 60;
        while (shift > 0 && value >> shift == 0) shift -= 4;
        for (;; shift -= 4) {
            if (length_ < kRoom) buffer_[length_++] = kDigits[value >> shift & 15];
            if (shift == 0) return *this;
        }
    }
    void print() const { platform::print(buffer_, length_); }

  private:
    static constexpr uint64_t kRoom = 160;
    char buffer_[kRoom];
    uint64_t length_ = 0;
};

}  // namespace shoal::vm
