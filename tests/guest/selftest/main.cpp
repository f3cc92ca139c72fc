// selftest: the C library and the system's promises to a program, checked inside the guest.
#include <stdio.h>
#include <string.h>

#include "tests/guest/selftest/cases.hpp"

int main(int argument_count, char** arguments) {
    using namespace shoal::test;
    if (argument_count == 2 && strncmp(arguments[1], "child=", 6) == 0)
        return run_child(arguments[1] + 6);

    Verdict verdict("selftest");
    test_start(verdict, argument_count, arguments);
    struct Case {
        const char* name;
        void (*run)(Verdict&);
    };
    constexpr Case kCases[] = {
        {"heap", test_heap},       {"threads", test_threads}, {"thread_local", test_thread_local},
        {"locks", test_locks},     {"time", test_time},       {"mapping", test_mapping},
        {"break", test_break},     {"children", test_children}, {"grants", test_grants},
        {"maps", test_maps},
    };
    for (const Case& each : kCases) {
        printf("selftest: %s\n", each.name);
        each.run(verdict);
    }
    return verdict.finish();
}
