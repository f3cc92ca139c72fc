// The suite "sample", where docs/workload.md starts from: small blocks of malloc's, made and freed by every CPU at once.
#include <stdlib.h>

#include "bench/guest/suite.hpp"

namespace {

using shoal::bench::Actors;
using shoal::bench::Workload;

constexpr int kBlocks = 1000;

void malloc_round(unsigned) {
    for (int i = 0; i < kBlocks; ++i) {
        auto* block = static_cast<volatile char*>(malloc(64));
        if (block == nullptr) abort();
        block[0] = 1;  // volatile: the compiler must not drop the pair
        free(const_cast<char*>(block));
    }
}

constexpr Workload kWorkloads[] = {{"malloc_threads", Actors::Threads, kBlocks, malloc_round}};

}  // namespace

int main(int argument_count, char** arguments) {
    return shoal::bench::run_suite("sample", kWorkloads, argument_count, arguments);
}
