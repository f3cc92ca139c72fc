// Mailbox: how CPUs ask each other. Many producers, one consumer; one per CPU.
//
// A CPU that needs something of a thread (or a CPU) it does not own posts a node to the owner's mailbox. Nodes are embedded
// in type-stable objects, one per (object, kind of request), and carry the endpoint for whose sake they were posted, so
// that a request which outlives its thread is recognised.
//
// Guarantees.
//   (a) FIFO by time of posting: if post(a) returned before post(b) began, on whatever CPUs, a is handed out first.
//   (b) What the poster wrote before post() is visible to the consumer of the node.
//   (c) A node is handed out exactly once per post; the poster gives up node and payload until it comes back.
//   (d) After post(), a consumer that publishes "I sleep" and then finds empty() true is seen sleeping by the poster: both
//       sides have a full fence between their store and their load (post() by its locked instruction, the consumer by
//       Cpu::publish()).
//   (e) Who posts to a consumer that listens learns so and need not interrupt it. A consumer that stops listening learns whether
//       anybody did; whoever posts after that does not take it for listening.
// Progress: post() is lock-free, all else wait-free.
// Reclamation: none; nodes live as long as the kernel. No ABA: the consumer takes the whole stack, never one node.
// Source: R. K. Treiber, Systems Programming: Coping with Parallelism, IBM RJ 5118, 1986; taken whole and reversed.
#pragma once

#include <atomic>

#include "kernel/core/mail/mail_node.hpp"

namespace shoal::kernel {

// What the owner of a mailbox does when mail comes.
enum class Attention : uint8_t {
    Elsewhere,  // it has to be told, if it is to look at once
    Listening,  // it looks at once
};

class Mailbox {
  public:
    // Any CPU. The node is not in any mailbox.
    [[nodiscard]] Attention post(MailNode& node) {
        MailNode* top = top_.load(std::memory_order_relaxed);
        do {
            node.next = top == &silence_ ? nullptr : top;
            // pairs with take_all(): (a), (b); with the fence in Cpu::publish(): (d); with stop_listening(): (e)
        } while (!top_.compare_exchange_weak(top, &node, std::memory_order_seq_cst, std::memory_order_relaxed));
        return top == &silence_ ? Attention::Listening : Attention::Elsewhere;
    }

    // What is to be watched while listening: it is `silent` until mail comes.
    struct Watch {
        const std::atomic<MailNode*>* word;
        const MailNode* silent;
    };
    // Owner only. From here on posters expect to be heard; stop_listening() comes before anything else. False: there is mail.
    [[nodiscard]] bool listen() {
        MailNode* none = nullptr;
        return top_.compare_exchange_strong(none, &silence_, std::memory_order_relaxed);
    }
    [[nodiscard]] Watch watch() const { return {&top_, &silence_}; }
    // Owner only. False: mail has come.
    [[nodiscard]] bool stop_listening() {
        MailNode* silent = &silence_;
        return top_.compare_exchange_strong(silent, nullptr, std::memory_order_seq_cst);  // pairs with post()
    }

    // Owner only, not listening. Everything posted so far, oldest first, linked by MailNode::next.
    [[nodiscard]] MailNode* take_all() {
        if (empty()) return nullptr;
        MailNode* newest = top_.exchange(nullptr, std::memory_order_acquire);  // pairs with post()
        MailNode* oldest_first = nullptr;
        while (newest != nullptr) {
            MailNode* older = newest->next;
            newest->next = oldest_first;
            oldest_first = newest;
            newest = older;
        }
        return oldest_first;
    }

    // Not while listening. A hint to all but the owner.
    [[nodiscard]] bool empty() const { return top_.load(std::memory_order_relaxed) == nullptr; }

  private:
    static inline MailNode silence_{};  // in the place of a node while the owner listens; never read

    alignas(kCacheLine) std::atomic<MailNode*> top_{nullptr};
};

}  // namespace shoal::kernel
