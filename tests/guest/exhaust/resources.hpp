// Each resource: taken to its end by several processes at once, on all CPUs, and given back.
#pragma once

#include "tests/guest/verdict.hpp"

namespace shoal::test {

// In the first process. crowd: processes at once.
void exhaust_memory(Verdict& verdict, unsigned crowd);
void exhaust_processes(Verdict& verdict, unsigned crowd);
void exhaust_threads(Verdict& verdict, unsigned crowd);
void exhaust_regions(Verdict& verdict, unsigned crowd);
void exhaust_quota(Verdict& verdict, unsigned crowd);

// In a child; what it returns is its status.
int eat_memory();
int hold_a_slot();
int take_threads();
int take_regions();
int take_quota();
int overdraw_quota();
int be_a_load();

}  // namespace shoal::test
