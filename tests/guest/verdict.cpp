#include "tests/guest/verdict.hpp"

#include <stdarg.h>
#include <stdio.h>

namespace shoal::test {

void Verdict::fail(const char* format, ...) {
    char reason[sizeof reason_];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    printf("%s: %s\n", name_, reason);
    if (!failed_) (void)snprintf(reason_, sizeof reason_, "%s", reason);
    failed_ = true;
}

int Verdict::finish() const {
    if (failed_)
        printf("FAIL %s: %s\n", name_, reason_);
    else
        printf("PASS %s\n", name_);
    return failed_ ? 1 : 0;
}

}  // namespace shoal::test
