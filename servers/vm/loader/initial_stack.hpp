// InitialStack: what a program finds on its stack when it starts (System V ABI, AMD64 supplement, 3.4.1): the argument count at
// the stack pointer, the argument pointers, a null, an empty environment's null, the auxiliary vector, the strings.
#pragma once

#include "base/address.hpp"
#include "base/result.hpp"

namespace shoal::vm {

class InitialStack {
  public:
    static constexpr uint64_t kMaxStringBytes = 2048, kMaxArguments = 256;

    struct Facts {
        VirtualAddress entry;
        VirtualAddress headers;  // program headers in memory, or 0
        uint64_t header_count;
    };
    // top: page-aligned end of the stack. strings: `bytes` long, `count` strings, each ended by NUL.
    // Errors: TooBig, Invalid (count and strings disagree).
    Result<void> build(VirtualAddress top, const char* strings, uint64_t count, uint64_t bytes, const Facts& facts);

    [[nodiscard]] VirtualAddress pointer() const { return pointer_; }  // 16-byte aligned
    [[nodiscard]] const void* contents() const { return words_ + first_; }
    [[nodiscard]] uint64_t bytes() const { return (kWords - first_) * sizeof(uint64_t); }

  private:
    static constexpr uint64_t kAuxiliaryWords = 12;
    static constexpr uint64_t kWords = kMaxStringBytes / sizeof(uint64_t) + kMaxArguments + kAuxiliaryWords + 8;
    uint64_t words_[kWords] = {};
    uint64_t first_ = kWords;
    VirtualAddress pointer_;
};

}  // namespace shoal::vm
