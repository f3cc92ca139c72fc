// The smallest program: it starts, prints its arguments and ends with 0, or with the status it is told.
//     status=N   fault=1: dies of a write to nowhere   seconds=N: sleeps before it ends
#include <stdio.h>
#include <unistd.h>

#include "tests/guest/arguments.hpp"

int main(int argument_count, char** arguments) {
    for (int i = 1; i < argument_count; ++i) printf("argument %d: %s\n", i, arguments[i]);
    const uint64_t seconds = shoal::test::number_argument(argument_count, arguments, "seconds", 0);
    for (uint64_t i = 0; i < seconds; ++i) usleep(1'000'000);
    if (shoal::test::number_argument(argument_count, arguments, "fault", 0) != 0) {
        volatile uintptr_t nowhere = 8;  // so that the compiler does not see that nothing is there
        *reinterpret_cast<volatile int*>(nowhere) = 1;
    }
    printf("PASS hello\n");
    return static_cast<int>(shoal::test::number_argument(argument_count, arguments, "status", 0));
}
