// FileProvider: one file of zeros, which the suite serves to its actors: a thread on each CPU, so that nobody waits for another CPU.
#pragma once

#include <cstddef>

namespace shoal::bench {

class FileProvider {
  public:
    static constexpr int kDescriptor = 3;
    // So that the first CPUs, as many, have a thread each. In the suite's process; not twice at once.
    static void serve_on(unsigned cpus);
};

}  // namespace shoal::bench
