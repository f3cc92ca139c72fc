// A page of the reference: what it is to its process, and the words that it holds.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "abi/memory.hpp"
#include "tests/model/operation.hpp"

namespace shoal::model {

using Contents = std::array<uint64_t, kWordsUsed>;

// What a process has with another by a grant.
enum class Joint : uint8_t {
    No,
    Writable,
    ReadOnly,  // lent to it: not to be written while others have it, too
    Orphaned,  // likewise, but who has lent it has ended: who writes gets a copy
};

inline constexpr uint64_t kNoFile = ~uint64_t{0};
inline constexpr uint64_t kSlices = uint64_t{1} << 46;  // no mapping crosses this in one piece

struct Page {
    uint64_t protection = 0;
    std::shared_ptr<Contents> contents;  // one object where spaces share the page
    RegionType type = RegionType::Anonymous;
    Joint joint = Joint::No;
    bool guard = false;            // the lowest page of a stack, while it is mapped
    bool in_stack = false;         // it goes down to its guard in one piece
    bool shared = false;           // with whoever gets it by `share` or fork: what one writes all read
    bool read_only = false;        // by remap_ro, or of a file that is mapped shared
    bool of_object = false;        // came from shared memory, by whatever way
    bool preallocated = false;     // by rs_memctl, for this process
    uint64_t mapping = 0;          // of shared memory: by which map or remap it came here
    uint64_t object = 0;           // likewise: which memory it is
    uint64_t physical = 0;         // of what has its place
    uint64_t file_page = kNoFile;  // the file's that is mapped here, whatever has been written
    uint64_t clear_bytes = 0;      // at its end, that are zeros here

    // Nobody else has it.
    [[nodiscard]] bool alone() const { return contents.use_count() == 1 && !of_object; }
    // Perhaps: whether the shared memory that it came from has it still is not known here.
    [[nodiscard]] bool perhaps_alone() const { return contents.use_count() == 1; }
    // What others have is theirs from here on.
    void become_own() {
        if (!alone()) contents = std::make_shared<Contents>(*contents);
        joint = Joint::No;
        of_object = false;
    }
    // What a copy of the process has in this place.
    void be_copy() {
        if (type == RegionType::Contiguous) type = RegionType::Anonymous, physical = 0;
        preallocated = false;
        if (!shared) become_own();
    }
};

inline std::shared_ptr<Contents> zeros() { return std::make_shared<Contents>(); }
// What the file holds, but for so many bytes at the page's end.
std::shared_ptr<Contents> file_contents(uint64_t page, uint64_t clear_bytes = 0);

// Whether a page of this protection lets a program read, write or execute.
bool allows(uint64_t protection, Kind access);
// Whether two let it do the same.
bool alike(uint64_t protection, uint64_t other);
uint64_t round_up_to_pages(uint64_t bytes);
// None, or the error that any range call must give for these numbers.
Error check_range(uint64_t address, uint64_t bytes);
Error check_protection(uint64_t protection);
// For whatever has to be told apart.
uint64_t next_number();

}  // namespace shoal::model
