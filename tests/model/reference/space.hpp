// The specification of one address space, in the plainest form: a map from page to what the page is.
//
// Nothing of the VM's structure is in it: no regions, runs, leaves or tables.
#pragma once

#include <map>

#include "abi/vm_call_numbers.hpp"
#include "tests/model/reference/page.hpp"

namespace shoal::model {

// The heap may lie in between; exact maps begin above the lowest address.
inline constexpr uint64_t kLowestMap = 0x1'0000;
inline constexpr uint64_t kHeapStart = uint64_t{1} << 28;  // of a process that has no image
inline constexpr uint64_t kHeapLimit = uint64_t{1} << 44;

// Below which contiguous memory has to lie.
uint64_t contiguous_limit(uint64_t flags);

class ReferenceSpace {
  public:
    // Each answers like the call of the same name; map takes the address that the system chose and says whether it could.
    Error check_map(const Operation& op) const;      // None, or the error that a call with these arguments must give
    Error check_map_file(const Operation& op) const;
    bool map_fits(const Operation& op, uint64_t chosen) const;
    void map(const Operation& op, uint64_t chosen, uint64_t physical = 0);
    void map_file(const Operation& op, uint64_t chosen);
    Error unmap(const Operation& op);
    Error protect(const Operation& op);
    Error dont_need(const Operation& op);
    Outcome brk(const Operation& op);
    // flags: kFaultWrite to write.
    Error touch(const Operation& op);
    Error reach(const Operation& op);  // as a copy does, which reaches no device
    Outcome access(const Operation& op);
    // Makes the page ready to be written, if it may be.
    bool let_write(Page& page);

    // Whether the process may make a call for the system, or one about others.
    bool may(VmCall call) const { return (rights >> static_cast<unsigned>(call) & 1) != 0; }

    // Becomes what a fork of the other space is.
    void copy_from(const ReferenceSpace& source);
    void clear();

    // For the other parts of the reference.
    Page* find(uint64_t page);
    const Page* find(uint64_t page) const { return const_cast<ReferenceSpace*>(this)->find(page); }
    void put(uint64_t page, const Page& what) { pages_[page] = what; }
    bool is_free(uint64_t start, uint64_t bytes) const;
    bool mapped_throughout(uint64_t start, uint64_t end) const;
    void erase(uint64_t start, uint64_t end);
    // Calls visit(address, Page&) for the pages of a range, ascending.
    template <typename Visit>
    void for_each_in(uint64_t start, uint64_t end, Visit visit) {
        for (auto at = pages_.lower_bound(start); at != pages_.end() && at->first < end; ++at) visit(at->first, at->second);
    }
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [address, page] : pages_) visit(address, page);
    }
    // Whether test(const Page&) is true of any page of a range.
    template <typename Test>
    bool any_in(uint64_t start, uint64_t end, Test test) const {
        for (auto at = pages_.lower_bound(start); at != pages_.end() && at->first < end; ++at)
            if (test(at->second)) return true;
        return false;
    }

    // For who aims: some mapped page, or 0.
    uint64_t page_near(uint64_t choice) const;
    size_t mapped_pages() const { return pages_.size(); }
    // Likewise a page of a kind, test(address, const Page&).
    template <typename Test>
    uint64_t page_near(uint64_t choice, Test test) const {
        for (auto at = pages_.lower_bound(choice); at != pages_.end(); ++at)
            if (test(at->first, at->second)) return at->first;
        for (const auto& [address, page] : pages_)
            if (test(address, page)) return address;
        return 0;
    }
    uint64_t heap_start() const { return heap_start_; }
    uint64_t heap_end() const { return heap_end_; }
    // Of an image that ends there.
    void begin_heap(uint64_t start) { heap_start_ = heap_end_ = start; }

    static constexpr uint64_t kAllRights = ~uint64_t{0};
    uint64_t rights = kAllRights;
    bool leaving = false;  // nothing is made for the process, or out of it
    bool server = false;

  private:
    void cut_stack(uint64_t address);
    Error check_reached(uint64_t page, bool writes);

    std::map<uint64_t, Page> pages_;  // by page address
    uint64_t heap_start_ = kHeapStart, heap_end_ = kHeapStart;
};

}  // namespace shoal::model
