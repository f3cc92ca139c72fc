// LockContext: who takes locks. One per VM worker and one per CPU of the kernel, at a fixed place.
#pragma once

#include "base/cpu.hpp"
#include "base/lock/held_ranks.hpp"

namespace shoal {

class LockContext {
  public:
    constexpr explicit LockContext(CpuId cpu) : word_(uint32_t{cpu.raw()} + 1) {}
    LockContext(const LockContext&) = delete;
    LockContext& operator=(const LockContext&) = delete;

    // What a lock's word holds while this context owns it: CPU number + 1.
    [[nodiscard]] uint32_t owner_word() const { return word_; }
    [[nodiscard]] CpuId cpu() const { return CpuId::from(word_ - 1); }
    HeldRanks& held() { return held_; }
    [[nodiscard]] const HeldRanks& held() const { return held_; }

  private:
    uint32_t word_;
    HeldRanks held_;
};

// Called once per turn by whoever spins on a lock, after PAUSE. The library's own does nothing; a program may supply
// another: the kernel serves its CPU's flush slot there (else two CPUs wait for each other), host tests yield.
void relax_while_spinning(LockContext& context);

}  // namespace shoal
