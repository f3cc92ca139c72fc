// Access: what a page's user may do with it. Write and execute together cannot be expressed.
#pragma once

#include <cstdint>

#include "abi/memory.hpp"
#include "abi/message.hpp"
#include "base/result.hpp"

namespace shoal::vm {

class Access {
  public:
    constexpr Access() = default;  // none
    static constexpr Access none() { return Access{}; }
    static constexpr Access read() { return Access{kRead}; }
    static constexpr Access read_write() { return Access{kRead | kWrite}; }
    static constexpr Access read_execute() { return Access{kRead | kExecute}; }

    // From a call's Protection bits. x86-64 cannot write or fetch what it cannot read, so both imply read.
    // Error: Invalid (unknown bits, or write and execute together).
    static Result<Access> decode(uint64_t protection) {
        constexpr uint64_t kKnown = kProtectRead | kProtectWrite | kProtectExecute, kBoth = kProtectWrite | kProtectExecute;
        if ((protection & ~kKnown) != 0 || (protection & kBoth) == kBoth) return Error::Invalid;
        static_assert(kRead == kProtectRead && kWrite == kProtectWrite && kExecute == kProtectExecute);
        return Access{static_cast<unsigned>(protection) | (protection == kProtectNone ? 0u : unsigned{kRead})};
    }
    // What an access with this page-fault error code needs (SDM vol. 3A, 4.7).
    static constexpr Access needed_for(uint64_t fault_flags) {
        if ((fault_flags & kFaultWrite) != 0) return read_write();
        if ((fault_flags & kFaultFetch) != 0) return read_execute();
        return read();
    }
    static constexpr uint8_t kValues = 8;  // raw() is less
    static constexpr Access from_raw(uint8_t raw) { return Access{raw}; }

    [[nodiscard]] constexpr bool allows(Access wanted) const { return (wanted.bits_ & ~bits_) == 0; }
    [[nodiscard]] constexpr bool is_none() const { return bits_ == 0; }
    [[nodiscard]] constexpr bool writes() const { return (bits_ & kWrite) != 0; }
    [[nodiscard]] constexpr bool executes() const { return (bits_ & kExecute) != 0; }
    [[nodiscard]] constexpr Access without_write() const { return Access{bits_ & ~unsigned{kWrite}}; }
    [[nodiscard]] constexpr Access common(Access other) const { return Access{unsigned{bits_} & other.bits_}; }
    [[nodiscard]] constexpr uint8_t raw() const { return bits_; }
    constexpr bool operator==(const Access&) const = default;

  private:
    static constexpr uint8_t kRead = 1, kWrite = 2, kExecute = 4;
    constexpr explicit Access(unsigned bits) : bits_(static_cast<uint8_t>(bits)) {}
    uint8_t bits_ = 0;
};

}  // namespace shoal::vm
