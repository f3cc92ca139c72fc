// The cases of selftest, and what its child processes do.
#pragma once

#include "tests/guest/verdict.hpp"

namespace shoal::test {

void test_start(Verdict& verdict, int argument_count, char** arguments);
void test_heap(Verdict& verdict);
void test_threads(Verdict& verdict);
void test_thread_local(Verdict& verdict);
void test_locks(Verdict& verdict);
void test_time(Verdict& verdict);
void test_mapping(Verdict& verdict);
void test_break(Verdict& verdict);
void test_children(Verdict& verdict);
void test_grants(Verdict& verdict);
void test_maps(Verdict& verdict);

// "child=WHAT": returns the status with which the child is to end, if it gets so far.
int run_child(const char* what);
// The same for the children of test_grants; kNoGrantChild: it is none of those.
int run_grant_child(const char* what);
inline constexpr int kNoGrantChild = -1;
// Likewise of test_maps.
int run_map_child(const char* what);
inline constexpr int kNoMapChild = -1;

}  // namespace shoal::test
