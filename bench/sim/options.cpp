#include "bench/sim/options.hpp"

#include <cstdlib>

namespace shoal::sim {
namespace {

bool take_number(const std::string& value, uint64_t& number) {
    char* end = nullptr;
    number = std::strtoull(value.c_str(), &end, 0);
    return !value.empty() && *end == '\0';
}

}  // namespace

std::string Options::parse(std::span<char* const> words) {
    struct Number {
        const char* name;
        uint64_t* place;
    };
    struct Switch {
        const char* name;
        bool* place;
    };
    const Number numbers[] = {{"mem", &memory_mib},
                              {"window", &window},
                              {"remote", &charges.remote_line},
                              {"cold", &charges.cold_line},
                              {"iret", &charges.exception},
                              {"cr3", &charges.load_cr3},
                              {"trace", &trace}};
    const Switch switches[] = {{"hot", &hot}, {"prof", &profile}, {"conflicts", &conflicts}};
    for (const std::string word : words) {
        const size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        uint64_t value = 1;
        if (equals != std::string::npos && !take_number(word.substr(equals + 1), value))
            return "no number in '" + word + "'";
        bool known = false;
        for (const Number& number : numbers)
            if (name == number.name) *number.place = value, known = true;
        for (const Switch& each : switches)
            if (name == each.name) *each.place = value != 0, known = true;
        // QEMU hands the file's name on under the names it was given with.
        if (!known && name != "file") return "unknown option '" + word + "'";
    }
    return {};
}

}  // namespace shoal::sim
