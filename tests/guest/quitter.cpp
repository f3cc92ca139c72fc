// A suite whose second actor ends in the middle of things: before it is ready, or in the measured round. The suite has to say so and to end
// with another status than 0, instead of waiting for it.
#include <stdlib.h>

#include "bench/guest/suite.hpp"

namespace {

using shoal::bench::Actors;
using shoal::bench::Workload;

constexpr unsigned kQuitter = 1;
constexpr int kStatus = 3;

template <unsigned kLast>
void quitting_round(unsigned id) {
    static unsigned rounds = 0;
    if (id == kQuitter && ++rounds == kLast) exit(kStatus);
}

// With rounds=1: once as they come, once side by side, once measured.
constexpr Workload kWorkloads[] = {{"early", Actors::Processes, 1, quitting_round<1>}, {"late", Actors::Processes, 1, quitting_round<3>}};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("quitter", kWorkloads, argument_count, arguments);
}
