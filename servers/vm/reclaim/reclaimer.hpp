// Reclaimer: frees objects that other workers may still be reading, once each of them has passed a quiescent state.
//
// Quiescent-state-based reclamation (Hart et al., "Making Lockless Synchronization Fast", IPDPS 2006; Desnoyers et al.,
// IEEE TPDS 2012): a reader pays nothing, because the kernel writes each worker's WorkerEpoch on entry and when it blocks.
// A worker collects retired objects; when there are enough, it notes everyone's word, and when each word has changed or was
// even, nobody can hold one of these objects any more. Frames of user memory do not come here: they wait for flushes only.
//
// Guarantees.
// (a) An object is disposed of only after every worker that was inside when it was retired has left or entered anew.
// (b) Each retired object is disposed of exactly once, by the worker that retired it, from poll() or expire().
// (c) Retiring needs no memory and cannot fail: objects embed a RetireHook.
// Progress: retire and poll are wait-free; a worker that never leaves holds up disposal, nothing else.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "abi/worker_epoch.hpp"
#include "base/assert.hpp"
#include "base/cpu.hpp"

namespace shoal::vm {

// Embedded in objects that are read without locks. deleter: index of a function in the code, never its address.
class RetireHook {
  public:
    [[nodiscard]] uint8_t deleter() const { return deleter_; }

  private:
    friend class Reclaimer;
    RetireHook* next_ = nullptr;
    uint8_t deleter_ = 0;
};

class Reclaimer {
  public:
    // epochs: word of CPU 0; stride: bytes to the next CPU's. noted: one word a CPU, permanent, this worker's own.
    Reclaimer(CpuId cpu, uint32_t cpus, const WorkerEpoch* epochs, size_t stride, uint64_t* noted)
        : epochs_(epochs), stride_(stride), noted_(noted), cpus_(cpus), batch_size_(8 * cpus < 64 ? 64 : 8 * cpus), cpu_(cpu) {}
    Reclaimer(const Reclaimer&) = delete;
    Reclaimer& operator=(const Reclaimer&) = delete;

    // The object is unlinked: nobody can find it from now on. Locks may be held.
    void retire(RetireHook& hook, uint8_t deleter);

    // At a quiescent point of this worker (between two requests): calls dispose(RetireHook&) for what is safe, and starts
    // the next grace period when enough has gathered. dispose may retire further objects.
    template <typename Dispose>
    void poll(Dispose dispose) {
        if (!due_) [[likely]] return;
        advance(Hurry::No, dispose);
    }
    // As poll(), but starts grace periods for however few objects: shortage, exit.
    template <typename Dispose>
    void expedite(Dispose dispose) {
        advance(Hurry::Yes, dispose);
    }

    // Objects that wait; 0 means that nothing of this worker is under way.
    [[nodiscard]] uint64_t pending() const { return filling_.count + waiting_.count; }
    // For the audit, workers at rest.
    template <typename Visit>
    void for_each_pending(Visit visit) const {
        for (const Chain* chain : {&filling_, &waiting_})
            for (const RetireHook* hook = chain->first; hook != nullptr; hook = hook->next_) visit(*hook);
    }
    // At least eight objects per CPU, so that reading all words costs an eighth of a line per object.
    [[nodiscard]] uint32_t batch_size() const { return batch_size_; }

  private:
    enum class Hurry : uint8_t { No, Yes };
    struct Chain {
        RetireHook* first = nullptr;
        uint64_t count = 0;
    };

    template <typename Dispose>
    void advance(Hurry hurry, Dispose& dispose) {
        if (waiting_.count != 0 && grace_over()) {
            Chain safe = waiting_;
            waiting_ = {};
            while (safe.first != nullptr) {
                RetireHook& hook = *safe.first;
                safe.first = hook.next_;
                dispose(hook);
            }
        }
        if (waiting_.count == 0 && filling_.count >= (hurry == Hurry::Yes ? 1 : batch_size()))
            start();
        note_due();
    }
    void note_due() { due_ = waiting_.count != 0 || filling_.count >= batch_size_; }
    void start();
    bool grace_over();
    [[nodiscard]] const WorkerEpoch& epoch(CpuId cpu) const {
        return *reinterpret_cast<const WorkerEpoch*>(reinterpret_cast<uint64_t>(epochs_) +
                                                     cpu.index() * stride_);
    }

    bool due_ = false;  // poll() has something to do
    Chain filling_;  // no grace period yet
    Chain waiting_;  // for `waited_for_` to move on
    CpuSet waited_for_;
    const WorkerEpoch* epochs_;
    size_t stride_;
    uint64_t* noted_;
    uint32_t cpus_;
    uint32_t batch_size_;
    CpuId cpu_;
};

}  // namespace shoal::vm
