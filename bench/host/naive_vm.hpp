// NaiveVm: the same services as one would write them first: one lock, std::map of mappings, std::map of pages, malloc for frames.
// Addresses are never used twice, which spares it the search for a hole.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "base/address.hpp"

namespace shoal::vm::bench {

class NaiveVm {
  public:
    NaiveVm() = default;
    ~NaiveVm();
    NaiveVm(const NaiveVm&) = delete;
    NaiveVm& operator=(const NaiveVm&) = delete;

    // The interface of ShoalVm::Cpu, whatever the CPU.
    class Cpu {
      public:
        Cpu(NaiveVm& vm, uint32_t) : vm_(vm) {}
        VirtualAddress map(uint64_t pages) { return vm_.map(pages); }
        void unmap(VirtualAddress start, uint64_t pages) { vm_.unmap(start, pages); }
        void discard(VirtualAddress start, uint64_t pages) { vm_.discard(start, pages); }
        void fault(VirtualAddress address) { vm_.fault(address); }

      private:
        NaiveVm& vm_;
    };

    [[nodiscard]] uint64_t frames_in_use();

  private:
    VirtualAddress map(uint64_t pages);
    void unmap(VirtualAddress start, uint64_t pages);
    void discard(VirtualAddress start, uint64_t pages);
    void fault(VirtualAddress address);
    void free_pages(VirtualAddress start, uint64_t pages);

    std::mutex lock_;
    std::map<uint64_t, uint64_t> mappings_;  // start -> end
    std::map<uint64_t, void*> pages_;        // page number -> frame
    VirtualAddress next_{0x10'0000'0000};
};

}  // namespace shoal::vm::bench
