// One line of a report, put together before it is printed, so that lines of several CPUs do not mix. What does not fit is cut.
#pragma once

#include <cstdint>

#include "kernel/core/machine.hpp"

namespace shoal::kernel {

class ReportLine {
  public:
    ReportLine& text(const char* characters) {
        for (; *characters != 0 && length_ < sizeof(buffer_); ++characters) buffer_[length_++] = *characters;
        return *this;
    }
    // At least so many digits.
    ReportLine& hex(uint64_t value, unsigned digits = 1) {
        text("0x");
        unsigned shift = 60;
        while (shift >= 4 * digits && value >> shift == 0) shift -= 4;
        for (;; shift -= 4) {
            const char digit[2] = {"0123456789abcdef"[value >> shift & 15], 0};
            text(digit);
            if (shift == 0) return *this;
        }
    }
    void print() {
        machine::console_write(buffer_, length_);
        length_ = 0;
    }

  private:
    char buffer_[192];
    uint64_t length_ = 0;
};

}  // namespace shoal::kernel
