// Memory that has its place: devices', and contiguous memory, which devices are told of.
#pragma once

#include <vector>

#include "tests/model/reference/joint_memory.hpp"

namespace shoal::model {

// One device, which everybody may map.
class ReferenceDevice {
  public:
    // None, or the error that a map of these bytes must give.
    static Error check_map(const Operation& op);
    static bool map_fits(const ReferenceSpace& space, const Operation& op, uint64_t chosen);
    void map(ReferenceSpace& space, const Operation& op, uint64_t chosen);
    static Error unmap(ReferenceSpace& space, uint64_t address);

  private:
    std::map<uint64_t, std::shared_ptr<Contents>> pages_;  // by physical address
};

// Error, and the address as value.
Outcome find_physical(const ReferenceSpace& space, uint64_t address);

// What is held for devices, beyond the life of its mapping and its process.
class ReferenceHolds {
  public:
    // Answers where the memory begins.
    Outcome add(Party holder, const Operation& op);
    struct Hold {
        ProcessName holder;
        uint64_t physical;
        std::vector<std::shared_ptr<Contents>> contents;
        [[nodiscard]] uint64_t end() const { return physical + contents.size() * kPageSize; }
    };
    [[nodiscard]] const std::vector<Hold>& all() const { return holds_; }
    void end(size_t which) { holds_.erase(holds_.begin() + static_cast<ptrdiff_t>(which)); }

  private:
    std::vector<Hold> holds_;
};

}  // namespace shoal::model
