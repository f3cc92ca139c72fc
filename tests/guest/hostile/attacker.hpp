// One hostile process: traps with whatever arguments a program could put into its registers, half of them nearly right.
#pragma once

#include "abi/message.hpp"
#include "tests/guest/random.hpp"

namespace shoal::test {

class Attacker {
  public:
    explicit Attacker(uint64_t seed) : random_(seed) {}
    // One trap. May not return: it may end the process, or wait for ever.
    void attack();

  private:
    uint64_t address();
    uint64_t length();
    uint64_t word();
    Endpoint endpoint();
    Message message();
    void kernel_call();
    void vm_call();
    void pm_call();
    void forged_event();
    void any_trap();
    void fill_spawn_request();

    Random random_;
};

}  // namespace shoal::test
