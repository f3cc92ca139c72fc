// Lock ranks. A lock may be taken only while no lock of its own or a higher rank is held; several of one rank only in the
// order of their keys (OrderedGuard, PairGuard). There is no rank "none". Lower ranks are taken first.
#pragma once

#include <compare>
#include <cstdint>

namespace shoal {

// The VM server. Context: a worker, one a CPU; workers are not preempted by one another.
enum class VmRank : uint8_t {
    Lifecycle,    // a process slot's birth, death and swap; all below may nest. Two slots: the lower one first
    Segment,      // a segment's tree of regions and its version; leaves may nest
    Leaf,         // 2 MiB of one space: table, runs, CPU set; several by (space id, address)
    Device,       // which pages of a device are cached, and in which files; objects may nest
    Block,        // what several spaces have in common; buckets and depots may nest. Leaves from here: collect, drop, take in order
    CacheBucket,  // one bucket of the page cache; depots may nest
    Joint,        // mappings by grants, of the processes of some slots; several by address; nothing but these nests
    Depot,        // a shared pool behind per-CPU caches (quota leases, arena growth); nothing nests
};

// The kernel. Context: any CPU, interrupts off.
enum class KernelRank : uint8_t {
    Process,       // one process: its threads, its stopped children, the steps of its life; everything below may nest. Two: by address
    SlotsAtHand,   // free slots that one CPU keeps
    FreeSlots,     // all others of a table
    Space,         // a space's list of per-CPU tables, on creation and destruction; the pool may nest
    WaitBucket,    // one bucket of wait-on-address; nothing but the console nests
    TablePool,     // lent areas and the frames cut from them; nothing but the console nests
    Console,       // one line of output at a time; nothing nests
};

constexpr unsigned rank_index(VmRank rank) { return static_cast<unsigned>(rank); }
constexpr unsigned rank_index(KernelRank rank) { return static_cast<unsigned>(rank); }

// Key by which several locks of one rank are ordered. Leaves, segments and slots: space first, then address.
class OrderKey {
  public:
    static constexpr OrderKey of_space(uint32_t space_id) { return OrderKey{uint64_t{space_id} << 47}; }
    // address: below 2^47. space_id: below 2^16.
    static constexpr OrderKey of_space(uint32_t space_id, uint64_t address) {
        return OrderKey{uint64_t{space_id} << 47 | address};
    }
    static OrderKey of_address(const void* lock) {
        return OrderKey{reinterpret_cast<uint64_t>(lock)};
    }
    [[nodiscard]] constexpr uint64_t raw() const { return raw_; }
    constexpr auto operator<=>(const OrderKey&) const = default;

  private:
    constexpr explicit OrderKey(uint64_t raw) : raw_(raw) {}
    uint64_t raw_;
};

}  // namespace shoal
