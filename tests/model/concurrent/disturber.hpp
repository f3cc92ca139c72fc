// Disturber: stops the threads of a run for a moment wherever they are: between a look and a lock, or with a lock held. So orders
// of events come up in seconds that would otherwise wait for a machine busier than most.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace shoal::model {

class Disturber {
  public:
    // The threads must not end before finish().
    Disturber(uint64_t seed, std::vector<pthread_t> threads);
    ~Disturber() { finish(); }
    Disturber(const Disturber&) = delete;
    Disturber& operator=(const Disturber&) = delete;
    void finish();

  private:
    void run(uint64_t seed) const;

    std::vector<pthread_t> threads_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

}  // namespace shoal::model
