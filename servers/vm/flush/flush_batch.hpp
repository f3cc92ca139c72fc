// FlushBatch: page-table entries that were removed or lost a right, on their way out of the TLBs, and the only owner of the
// frames they mapped until all CPUs concerned have acknowledged.
//
// Filled under the leaves' locks, posted with no lock held. Where only the worker's own CPU can have cached the entries,
// nothing is posted: the reply asks the kernel to flush the caller's space on this CPU before it runs again
// (kFlushPartner), and until then this CPU runs nothing but VM.
#pragma once

#include "abi/memory.hpp"
#include "servers/vm/leaf/leaf.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class FlushBatch {
  public:
    static constexpr SlabType kSlabType = SlabType::FlushBatch;
    static constexpr uint32_t kStock = 16;
    static constexpr uint32_t kMaxLeaves = 64;
    static constexpr uint32_t kMaxReplaced = 32;

    // process: whose space; request: goes on when the batch is done (may be set later).
    FlushBatch(ProcessId process, CpuId worker) : worker_(worker) { message_.process = process; }

    // Under the leaf's lock: an exclusive frame that it has no more.
    void add_frame(FrameTable table, FrameNumber frame);
    // Likewise pages that the leaf's trees have forgotten, of frames that others may hold too. Where other CPUs may have an entry
    // cached, its reference waits in the entry itself (PageEntry::leaving()): that takes no memory, and nobody maps a page in the
    // leaf before the flush.
    void take_shared(WorkerContext& context, Leaf& leaf, PageSpan pages);
    // Likewise pages of an object's, which the leaf has no references to: it takes them until the flush.
    void take_borrowed(WorkerContext& context, Leaf& leaf, PageSpan pages);
    // Likewise a frame in whose place there is another page already; at most kMaxReplaced a batch.
    void take_replaced(WorkerContext& context, const Leaf& leaf, FrameNumber frame);
    // Likewise an object's, as take_borrowed().
    void take_replaced_loan(WorkerContext& context, const Leaf& leaf, FrameNumber frame);
    // After the leaf's entries in the range have changed; at most kMaxLeaves leaves a batch.
    void add_range(Leaf& leaf, VirtualRange range);

    // A leaf that is marked dead: its table is unlinked, then the leaf leaves the map and is retired. A batch holds either dead
    // leaves or what else there is.
    void add_dead_leaf(Leaf& leaf);
    // All of the space, on all CPUs: no link to any of its tables is left. Nothing else is in the batch.
    void add_everything(uint32_t cpus) {
        message_.count = FlushRequest::kFlushAll;
        message_.cpus = CpuSet::first(cpus);
        unlinks_ = true;
        local_ = false;
    }
    // Ranges of a message that overflows would unlink every table of the space.
    [[nodiscard]] bool has_room_for_dead_leaf() const {
        return leaf_count_ < kMaxLeaves && message_.count < FlushRequest::kMaxRanges;
    }
    [[nodiscard]] bool unlinks() const { return unlinks_; }

    // To be flushed before anything else happens, although only this CPU is concerned: the reply is still far.
    void insist() { local_ = empty(); }
    [[nodiscard]] bool has_room_for_replaced(uint32_t pages) const { return replaced_count_ + pages <= kMaxReplaced; }
    [[nodiscard]] bool has_room_for(uint64_t leaves) const { return leaf_count_ + leaves <= kMaxLeaves; }
    [[nodiscard]] bool empty() const { return message_.count == 0; }
    [[nodiscard]] bool local() const { return local_; }
    [[nodiscard]] Request* request() const { return request_; }

    enum class Outcome : uint8_t {
        Finished,         // nothing was cached anywhere, or it has been flushed; the batch is gone
        FinishedLocally,  // as Finished once the reply has flushed the partner's space
        Pending,          // request->flushes was raised; the request is sent to its owner when it falls to 0
    };
    // Consumes the batch. request: nullptr if the caller knows that the batch is local.
    static Outcome post(WorkerContext& context, FlushBatch& batch, Request* request);
    // Consumes two batches, of two spaces; what only this CPU may have cached has been flushed after it. Whether the request has to wait for others:
    // it is sent to its owner then when both are done.
    static bool post_both(WorkerContext& context, FlushBatch& one, FlushBatch& other, Request& request);
    // kFlushDone, on the CPU that posted it.
    static void done(WorkerContext& context, FlushBatch& batch);
    // Posts what the kernel refused before.
    static void post_refused(WorkerContext& context);
    // Gives back an unused batch, or one whose entries nobody can have cached.
    static void discard(WorkerContext& context, FlushBatch& batch);

    // For the audit.
    template <typename Visit>
    void for_each_frame(Visit visit) const {
        for (FrameInfo* info = frames_; info != nullptr; info = info->next()) visit(*info);
    }
    [[nodiscard]] FlushBatch* next() const { return next_; }
    template <typename Visit>
    void for_each_replaced(Visit visit) const {
        for (uint32_t i = 0; i < replaced_count_; ++i) visit(*replaced_[i]);
    }

  private:
    void add_to_message(VirtualRange range);
    // Nobody but this worker's CPU can have an entry of the leaf cached.
    [[nodiscard]] bool alone_in(const Leaf& leaf) const { return leaf.cpus.empty() || leaf.cpus.is_only(worker_); }
    uint32_t hold(Leaf& leaf);
    static void drop_reference(WorkerContext& context, FrameNumber frame);
    static void release_leaving(WorkerContext& context, Leaf& leaf, unsigned page);
    void release_frames(WorkerContext& context);
    void release_leaves(WorkerContext& context);
    bool retire_dead(WorkerContext& context, Leaf& leaf);
    static bool try_post(WorkerContext& context, FlushBatch& batch);
    static void complete(WorkerContext& context, FlushBatch& batch);

    FlushRequest message_{};
    FrameInfo* frames_ = nullptr;  // exclusive ones
    Request* request_ = nullptr;
    FlushBatch* next_ = nullptr;      // posted or refused batches of this worker
    FlushBatch* previous_ = nullptr;
    CpuId worker_;
    bool local_ = true;            // no CPU but the worker's is concerned
    bool unlinks_ = false;         // holds dead leaves
    uint32_t leaf_count_ = 0;
    uint32_t replaced_count_ = 0;
    Leaf* leaves_[kMaxLeaves];     // whose faults wait for this batch
    uint16_t leaving_[kMaxLeaves];  // the first page of each whose entry leaves with this batch, or PageEntry::kNoPage
    FrameInfo* replaced_[kMaxReplaced];  // a reference each, to frames that others may have too
};

}  // namespace shoal::vm
