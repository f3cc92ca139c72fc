// Arguments of the form name=number.
#pragma once

#include <stdlib.h>
#include <string.h>

#include <cstdint>

namespace shoal::test {

inline uint64_t number_argument(int argument_count, char** arguments, const char* name,
                                uint64_t otherwise) {
    const size_t length = strlen(name);
    for (int i = 1; i < argument_count; ++i)
        if (strncmp(arguments[i], name, length) == 0 && arguments[i][length] == '=')
            return strtoul(arguments[i] + length + 1, nullptr, 0);
    return otherwise;
}

}  // namespace shoal::test
