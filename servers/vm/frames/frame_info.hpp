// FrameInfo: what VM knows of one frame; half a cache line. Sixteen neighbours, the unit in which frames go to a CPU, share
// lines with each other only.
//
// The count: 0 free or without user, 1 exclusive, more: shared. The owner of an exclusive frame sets, passes on and drops
// that state by plain stores under its leaf lock; only sharing and unsharing cost an atomic operation.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/assert.hpp"
#include "base/cpu.hpp"

namespace shoal::vm {

enum class FrameKind : uint8_t {
    Absent,     // not VM's: a hole or the kernel's
    Free,       // in the pool or in a cache of free frames
    Permanent,  // header, tables and workers of the arena
    Kept,       // boot modules until they are loaded
    Taken,      // allocated, its user has not said more
    Anonymous,  // a page of user memory
    Object,     // a page of shared memory
    Cached,     // a page of the cache's
    Withdrawn,  // one that has left the cache, and perhaps not all leaves that have borrowed it
    PageTable,  // a last-level table
    Slab,       // objects of VM
    Lent,       // upper tables of the kernel
};

// Whoever maps it has borrowed it, or has a reference of its own.
constexpr bool is_object_page(FrameKind kind) { return kind == FrameKind::Object || kind == FrameKind::Cached || kind == FrameKind::Withdrawn; }

enum class Released : uint8_t { Last, Shared };

class FrameInfo {
  public:
    // By the allocator's caller, who alone knows the frame. owner: an object in the arena, or nullptr.
    void claim(FrameKind kind, void* owner) {
        SHOAL_ASSERT(references_.load(std::memory_order_relaxed) == 0);
        set_kind(kind);
        owner_ = owner;
        references_.store(1, std::memory_order_relaxed);
    }
    // relaxed: whoever decides by it is ordered with who changes it, by holding the frame or by the lock of what it is part of
    [[nodiscard]] FrameKind kind() const { return kind_.load(std::memory_order_relaxed); }
    // By who alone decides of it: its only holder, or the cache.
    void become(FrameKind kind, void* owner) {
        set_kind(kind);
        owner_ = owner;
    }
    [[nodiscard]] uint32_t references() const {
        return references_.load(std::memory_order_relaxed);
    }

    // Exclusive: the asker holds the only reference, so nobody can add one behind its back.
    [[nodiscard]] bool exclusive() const {
        return references_.load(std::memory_order_acquire) ==
               1;  // pairs with release(): the other's writes are done
    }
    // By a holder of a reference, for another one. Nobody else counts while it is the only one.
    void share() {
        // acquire pairs with release(): what those did who held it before is done, for who sees our count later
        if (references_.load(std::memory_order_acquire) == 1) references_.store(2, std::memory_order_relaxed);
        else references_.fetch_add(1, std::memory_order_relaxed);
    }
    // By one who has it lent from a holder, and keeps that one from letting go (an object's page, under the lock of a leaf that maps it).
    void share_lent() { references_.fetch_add(1, std::memory_order_relaxed); }
    // By one who found the frame without holding it (page cache): refused once the last reference has gone.
    [[nodiscard]] bool try_share() {
        uint32_t seen = references_.load(std::memory_order_relaxed);
        while (seen != 0) {
            // acquire pairs with release() of whoever filled the frame
            if (references_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire,
                                                  std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    // Drops one reference; after Last the caller frees the frame. Exclusive frames take no atomic operation.
    [[nodiscard]] Released release() {
        if (exclusive()) {
            references_.store(0, std::memory_order_relaxed);
            return Released::Last;
        }
        // acquire and release pair with each other: the last one sees all users done
        const uint32_t before = references_.fetch_sub(1, std::memory_order_acq_rel);
        SHOAL_ASSERT(before > 0);
        return before == 1 ? Released::Last : Released::Shared;
    }

    // While exclusive: leaf, slab. Of an object's: its block, or CachedPage. nullptr: whoever holds one of the references.
    [[nodiscard]] void* owner() const { return owner_; }
    void set_owner(void* owner) { owner_ = owner; }
    // The next of an owner's frames; exclusive ones only.
    [[nodiscard]] FrameInfo* next() const { return next_of_owner_; }
    void set_next(FrameInfo* next) { next_of_owner_ = next; }

    // The audit's own, while all workers stand still.
    [[nodiscard]] uint8_t audit_mark() const { return audit_mark_; }
    void set_audit_mark(uint8_t mark) { audit_mark_ = mark; }
    [[nodiscard]] uint32_t audit_count() const { return audit_count_; }
    void set_audit_count(uint32_t count) { audit_count_ = count; }

  private:
    friend class Arena;
    friend class FrameCache;
    void set_kind(FrameKind kind) { kind_.store(kind, std::memory_order_relaxed); }

    void* owner_ = nullptr;
    FrameInfo* next_of_owner_ = nullptr;
    std::atomic<uint32_t> references_{0};
    uint32_t audit_count_ = 0;
    uint32_t next_ = 0;  // in a batch on its way home: table index + 1 of the next frame
    uint16_t home_ = 0;  // CPU whose cache it was handed out by last
    std::atomic<FrameKind> kind_{FrameKind::Absent};
    uint8_t audit_mark_ = 0;
};
static_assert(sizeof(FrameInfo) == 32);

}  // namespace shoal::vm
