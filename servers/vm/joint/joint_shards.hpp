// JointShards: all shards, and which of them are held together.
//
// Who needs several takes them in the order of their addresses, all at once. Which ones an operation needs it may only see while it holds some:
// then it lets them go, and takes all that it has seen. Who meets others then than it has seen has been overtaken by somebody who is finished.
#pragma once

#include "servers/vm/joint/joint_shard.hpp"

namespace shoal::vm {

// Numbers of shards, ascending, each once. As many as one mapping can be in.
class ShardSet {
  public:
    static constexpr unsigned kMost = 2 + kMostGrantsInPath;

    void add(unsigned shard) {
        unsigned at = 0;
        while (at < size_ && shards_[at] < shard) ++at;
        if (at < size_ && shards_[at] == shard) return;
        SHOAL_ASSERT(size_ < kMost);
        for (unsigned i = size_++; i > at; --i) shards_[i] = shards_[i - 1];
        shards_[at] = static_cast<uint16_t>(shard);
    }
    [[nodiscard]] bool has(unsigned shard) const {
        unsigned at = 0;
        while (at < size_ && shards_[at] != shard) ++at;
        return at < size_;
    }
    [[nodiscard]] bool has_all(const ShardSet& others) const {
        bool all = true;
        for (const uint16_t shard : others) all = all && has(shard);
        return all;
    }
    [[nodiscard]] const uint16_t* begin() const { return shards_; }
    [[nodiscard]] const uint16_t* end() const { return shards_ + size_; }

  private:
    uint16_t shards_[kMost];
    unsigned size_ = 0;
};

class JointShards {
  public:
    static constexpr unsigned kShards = 256;  // slots that far apart share one

    [[nodiscard]] static constexpr unsigned number_of(ProcessId process) { return process.slot() % kShards; }
    [[nodiscard]] JointShard& of(ProcessId process) { return shards_[number_of(process)]; }
    [[nodiscard]] JointShard& operator[](unsigned shard) { return shards_[shard]; }

  private:
    JointShard shards_[kShards];
};

// Several shards, held for a scope; for the compiler's analysis of locks each is held from JointShard::assert_held() on.
class [[nodiscard]] ShardsGuard {
  public:
    ShardsGuard(LockContext& worker, JointShards& shards, const ShardSet& set) NO_THREAD_SAFETY_ANALYSIS : worker_(worker), shards_(shards), set_(set) {
        for (const uint16_t shard : set_) shards[shard].lock.lock_in_order(worker, OrderKey::of_address(&shards[shard].lock));
    }
    ~ShardsGuard() NO_THREAD_SAFETY_ANALYSIS {
        for (const uint16_t shard : set_) shards_[shard].lock.unlock(worker_);
    }
    ShardsGuard(const ShardsGuard&) = delete;
    ShardsGuard& operator=(const ShardsGuard&) = delete;

    [[nodiscard]] const ShardSet& set() const { return set_; }
    [[nodiscard]] bool covers(const ShardSet& others) const { return set_.has_all(others); }
    [[nodiscard]] bool covers(ProcessId process) const { return set_.has(JointShards::number_of(process)); }

  private:
    LockContext& worker_;
    JointShards& shards_;
    const ShardSet set_;
};

}  // namespace shoal::vm
