// Mailbox: letters (a) to (c) of its guarantees under four producers and one consumer.
#include <gtest/gtest.h>

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
                mailbox.post(nodes[p][i]);
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

}  // namespace
}  // namespace shoal::kernel
