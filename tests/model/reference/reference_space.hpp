// The specification of one address space, in the plainest form: a map from page to what the page is.
//
// Nothing of the VM's structure is in it: no regions, runs, leaves or tables.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "abi/memory.hpp"
#include "tests/model/operation.hpp"

namespace shoal::model {

// The heap may lie in between; exact maps begin above the lowest address.
inline constexpr uint64_t kLowestMap = 0x1'0000;
inline constexpr uint64_t kHeapStart = uint64_t{1} << 28;
inline constexpr uint64_t kHeapLimit = uint64_t{1} << 44;

class ReferenceSpace {
  public:
    using Contents = std::array<uint64_t, kWordsUsed>;

    struct Page {
        uint64_t protection;
        bool guard = false;                  // the lowest page of a stack, while it is mapped
        bool shared = false;                 // came to or went from another space by `share`, or is of shared memory
        bool pinned = false;                 // of contiguous memory
        std::shared_ptr<Contents> contents;  // one object where spaces share the page
        uint64_t mapping = 0;                // of shared memory: by which map or remap it came here
        bool read_only = false;              // by remap_ro, or of a file that is mapped shared
        bool of_object = false;              // came from shared memory, by whatever way
        uint64_t file_page = kNoFile;        // the file's that is mapped here, whatever has been written
    };
    static constexpr uint64_t kNoFile = ~uint64_t{0};
    // What the file holds.
    static std::shared_ptr<Contents> file_contents(uint64_t page);

    // Each answers like the call of the same name; map takes the address that the system chose and says whether it could.
    Error check_map(const Operation& op) const;      // None, or the error that a call with these arguments must give
    Error check_map_file(const Operation& op) const;
    bool map_fits(const Operation& op, uint64_t chosen) const;
    void map(const Operation& op, uint64_t chosen);
    void map_file(const Operation& op, uint64_t chosen);
    Error unmap(const Operation& op);
    Error protect(const Operation& op);
    Error dont_need(const Operation& op);
    Outcome brk(const Operation& op);
    // flags: kFaultWrite to write.
    Error touch(const Operation& op) const;
    Outcome access(const Operation& op);
    // Maps the other space's pages of the range here. The caller has checked `can_share_from` and `is_free`.
    bool can_share_from(const Operation& op) const;
    bool is_free(uint64_t start, uint64_t bytes) const;
    void share_from(ReferenceSpace& source, const Operation& op);
    // None, or the error that a remap of this range of ours must give for its sake.
    Error check_remap(const Operation& op) const;
    void remap_from(const ReferenceSpace& source, const Operation& op, uint64_t chosen);

    // For the cache: a page that is there.
    Page* find(uint64_t page);
    void put(uint64_t page, const Page& what) { pages_[page] = what; }

    size_t mapped_pages() const { return pages_.size(); }
    // Becomes what a fork of the other space is.
    void copy_from(const ReferenceSpace& source);
    void clear();
    uint64_t page_near(uint64_t choice) const;  // some mapped page, or 0: lets a generator aim
    uint64_t heap_end() const { return heap_end_; }

  private:
    bool mapped_throughout(uint64_t start, uint64_t end) const;
    void erase(uint64_t start, uint64_t end);

    std::map<uint64_t, Page> pages_;  // by page address
    uint64_t heap_end_ = kHeapStart;
};

// The page cache: blocks of one device.
class ReferenceCache {
  public:
    // Of pages that are present: those before the first that cannot be cached are, even so.
    Error set(ReferenceSpace& space, const Operation& op);
    // None, or the error that a map of these blocks must give.
    Error check_map(const Operation& op) const;
    void map(ReferenceSpace& space, const Operation& op, uint64_t chosen);
    Error forget(const Operation& op);
    // Memory was called in: what nobody has mapped may have given way, until it is seen again.
    void call_in();
    bool may_have_given_way(const Operation& op) const;

  private:
    struct Block {
        std::shared_ptr<ReferenceSpace::Contents> contents;
        bool doubtful = false;
    };
    std::map<uint64_t, Block> blocks_;
};

// Whether a page of this protection lets a program read, write or execute.
bool allows(uint64_t protection, Kind access);
uint64_t round_up_to_pages(uint64_t bytes);
// None, or the error that any range call must give for these numbers.
Error check_range(uint64_t address, uint64_t bytes);

}  // namespace shoal::model
