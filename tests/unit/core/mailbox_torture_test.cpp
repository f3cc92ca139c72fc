// Mailbox: letters (a) to (c) and (e) of its guarantees under four producers and one consumer.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "kernel/core/mail/mailbox.hpp"

namespace shoal::kernel {
namespace {

struct Numbered : MailNode {
    unsigned producer = 0;
    uint64_t number = 0;
};

TEST(MailboxTorture, EachNodeOnceAndInOrderOfItsProducer) {
    constexpr unsigned kProducers = 4, kEach = 20'000;
    std::vector<std::vector<Numbered>> nodes(kProducers);
    for (auto& list : nodes) list = std::vector<Numbered>(kEach);
    Mailbox mailbox;
    std::vector<std::thread> producers;
    for (unsigned p = 0; p < kProducers; ++p)
        producers.emplace_back([&, p] {
            for (uint64_t i = 0; i < kEach; ++i) {
                nodes[p][i].producer = p;
                nodes[p][i].number = i;
                (void)mailbox.post(nodes[p][i]);
            }
        });
    uint64_t next[kProducers] = {};
    for (uint64_t seen = 0; seen < uint64_t{kProducers} * kEach;) {
        MailNode* node = mailbox.take_all();
        if (node == nullptr) std::this_thread::yield();
        for (; node != nullptr; node = node->next, ++seen) {
            auto& numbered = static_cast<Numbered&>(*node);
            ASSERT_EQ(numbered.number, next[numbered.producer]++);
        }
    }
    for (auto& producer : producers) producer.join();
    EXPECT_TRUE(mailbox.empty());
}

// A consumer that listens, and then sleeps until it is told. Producers tell it only if it did not listen.
TEST(MailboxTorture, WhoIsNotHeardListeningTells) {
    constexpr unsigned kProducers = 4, kEach = 20'000;
    std::vector<std::vector<Numbered>> nodes(kProducers);
    for (auto& list : nodes) list = std::vector<Numbered>(kEach);
    Mailbox mailbox;
    std::atomic<bool> told{false};
    std::atomic<uint64_t> heard{0}, consumed{0};
    std::vector<std::thread> producers;
    for (unsigned p = 0; p < kProducers; ++p)
        producers.emplace_back([&, p] {
            for (uint64_t i = 0; i < kEach; ++i) {
                if (mailbox.post(nodes[p][i]) == Attention::Listening) heard.fetch_add(1);
                else told.store(true);
                while (i % 64 == 0 && consumed.load() < i) std::this_thread::yield();  // so that the consumer has to wait at times
            }
        });
    const auto too_late = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    while (consumed.load() < uint64_t{kProducers} * kEach) {
        for (const MailNode* node = mailbox.take_all(); node != nullptr; node = node->next) consumed.fetch_add(1);
        if (!mailbox.listen()) continue;
        const Mailbox::Watch watch = mailbox.watch();
        for (unsigned looks = 0; looks < 100 && watch.word->load() == watch.silent; ++looks) std::this_thread::yield();
        if (!mailbox.stop_listening()) continue;
        while (!told.exchange(false) && consumed.load() < uint64_t{kProducers} * kEach) {
            ASSERT_LT(std::chrono::steady_clock::now(), too_late) << "sleeps over its mail";
            std::this_thread::yield();
        }
    }
    for (auto& producer : producers) producer.join();
    EXPECT_GT(heard.load(), 0u);
    EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace shoal::kernel
