#include "bench/guest/options.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace shoal::bench {
namespace {

bool take_number(const char* word, const char* name, uint64_t& number) {
    const size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || word[length] != '=') return false;
    char* end = nullptr;
    const uint64_t value = strtoul(word + length + 1, &end, 0);
    if (end == word + length + 1 || *end != '\0') return false;
    number = value;
    return true;
}

}  // namespace

bool Options::parse(int argument_count, char** arguments) {
    for (int i = 1; i < argument_count; ++i) {
        const char* word = arguments[i];
        if (strncmp(word, "filter=", 7) == 0) {
            filter = word + 7;
        } else if (take_number(word, "actor", actor)) {
            is_actor = true;
        } else if (!take_number(word, "rounds", rounds) && !take_number(word, "repeats", repeats) &&
                   !take_number(word, "cpus", cpus) && !take_number(word, "from", from) &&
                   !take_number(word, "control", control)) {
            printf("%s: cannot use \"%s\": rounds=N repeats=N cpus=N from=N filter=TEXT\n",
                   arguments[0], word);
            return false;
        }
    }
    return rounds > 0 && repeats > 0;
}

}  // namespace shoal::bench
