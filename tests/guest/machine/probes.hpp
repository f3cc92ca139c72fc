// What a program may try on the machine beneath it.
#pragma once

#include <cstdint>

#include "tests/guest/verdict.hpp"

namespace shoal::test {

// Flags that a program sets for itself live through a system call, and do it no harm.
void test_flags(Verdict& verdict);
// Registers live through page faults and interrupts, all but RCX, R11 and the message through a system call.
void test_registers(Verdict& verdict);
// What a program must not do ends it, and nothing else. Among it far returns: QEMU 7.2's TCG lets these read the stack with the
// kernel's rights, which SMAP refuses however often VM is asked for the page.
void test_forbidden(Verdict& verdict);

// FS and GS bases. Own: programs may write them; Kernels: they may not (nofsgsbase on the boot line).
enum class Bases : uint8_t { Own, Kernels };
void test_bases(Verdict& verdict, Bases bases);
// "bases=N": what test_bases() starts.
int keep_bases(const char* own);

// "child=WHAT": tries one forbidden thing; returns, with kSurvived, only if nothing stopped it.
int run_probe(const char* what);
inline constexpr int kSurvived = 99;

}  // namespace shoal::test
