// HostArena: memory for VM on the host: anonymous pages mapped where the guest has its window, so that addresses, and with
// them copies of the arena, mean the same. One at a time in a process.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "servers/vm/arena/arena.hpp"
#include "servers/vm/worker.hpp"

namespace shoal::vm {

class HostArena {
  public:
    struct Options {
        uint64_t bytes = 64 << 20;
        uint32_t cpus = 2;
        uint32_t process_slots = 64;
        uint64_t permanent_extra = 0;
        std::vector<FrameRange> holes = {};  // frame numbers counted from the arena's first
        std::vector<FrameRange> kept = {};
    };
    explicit HostArena(const Options& options);
    ~HostArena();
    HostArena(const HostArena&) = delete;
    HostArena& operator=(const HostArena&) = delete;

    [[nodiscard]] ArenaHeader& header() const { return *header_; }
    [[nodiscard]] void* extra() const { return extra_; }
    [[nodiscard]] Worker& worker(uint32_t cpu) const { return header_->workers[cpu]; }
    [[nodiscard]] FrameTable table() const { return header_->frame_table; }
    [[nodiscard]] FramePool& pool() const { return *header_->frame_pool; }
    [[nodiscard]] const std::vector<FrameRange>& memory() const { return memory_; }

    // Live update in small: copies every frame, unmaps the old ones, maps the copy at the same address.
    void move_to_copy();

    // The sum over all CPUs, exact when no worker runs.
    [[nodiscard]] uint64_t frames_in_use() const;

    static constexpr FrameNumber kFirstFrame{uint64_t{1} << 8};  // 1 MiB, as on a PC

  private:
    uint64_t bytes_;
    std::vector<FrameRange> memory_;
    ArenaHeader* header_ = nullptr;
    void* extra_ = nullptr;
};

}  // namespace shoal::vm
