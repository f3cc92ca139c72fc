// machine: what the processor lets a program do, and what of it the kernel must survive (docs/x86-checklist.md).
#include <string.h>

#include "tests/guest/machine/probes.hpp"

int main(int argument_count, char** arguments) {
    using namespace shoal::test;
    if (argument_count == 2 && strncmp(arguments[1], "child=", 6) == 0) return run_probe(arguments[1] + 6);
    if (argument_count == 2 && strncmp(arguments[1], "bases=", 6) == 0) return keep_bases(arguments[1] + 6);
    const bool without_bases = argument_count == 2 && strcmp(arguments[1], "nofsgsbase") == 0;

    Verdict verdict("machine");
    test_flags(verdict);
    test_registers(verdict);
    test_bases(verdict, without_bases ? Bases::Kernels : Bases::Own);
    test_forbidden(verdict);
    return verdict.finish();
}
