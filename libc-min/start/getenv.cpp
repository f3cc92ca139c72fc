#include "libc-min/include/stdlib.h"
#include "libc-min/include/string.h"
#include "libc-min/start/environment.hpp"

SHOAL_C_BEGIN

char* getenv(const char* name) {
    const size_t length = strlen(name);
    for (char** each = shoal::libc::environment; *each != nullptr; ++each)
        if (strncmp(*each, name, length) == 0 && (*each)[length] == '=') return *each + length + 1;
    return nullptr;
}

SHOAL_C_END
