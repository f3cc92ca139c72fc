#include "tests/model/concurrent/disturber.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <random>

namespace shoal::model {

namespace {

constexpr int kSignal = SIGUSR1;
constexpr long kPause = 50'000;  // nanoseconds: some operations of the others
constexpr std::chrono::microseconds kBetween{30};

void pause_here(int) {
    const timespec pause{0, kPause};
    nanosleep(&pause, nullptr);
}

}  // namespace

Disturber::Disturber(uint64_t seed, std::vector<pthread_t> threads) : threads_(std::move(threads)) {
    struct sigaction action {};
    action.sa_handler = pause_here;
    action.sa_flags = SA_RESTART;
    sigaction(kSignal, &action, nullptr);
    thread_ = std::thread([this, seed] { run(seed); });
}

void Disturber::finish() {
    ended_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
}

void Disturber::run(uint64_t seed) const {
    std::mt19937_64 random(seed);
    while (!ended_.load(std::memory_order_relaxed)) {
        pthread_kill(threads_[random() % threads_.size()], kSignal);
        std::this_thread::sleep_for(kBetween);
    }
}

}  // namespace shoal::model
