// FileServer: a file server for tests: a process of its own, and threads that answer what VM asks, by files whose contents follow from their names.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/vm/harness.hpp"

namespace shoal::vm::test {

class FileServer {
  public:
    static constexpr uint64_t kDevice = 0x901, kFilePages = 4096;
    // A descriptor is the inode of its file; these are none.
    static constexpr uint64_t kBadDescriptor = 0, kUnreadable = 999;

    // file_pages: that each file has.
    FileServer(Harness& vm, CpuId cpu, uint64_t file_pages = kFilePages) : FileServer(vm, std::vector{cpu}, file_pages) {}
    // A thread on each of these.
    FileServer(Harness& vm, const std::vector<CpuId>& cpus, uint64_t file_pages)
        : vm_(vm), cpu_(cpus.front()), file_pages_(file_pages), process_(vm.create(cpu_)) {
        for (const CpuId cpu : cpus) threads_.emplace_back([this, cpu] { serve(cpu); });
        wait_until_served();
    }
    ~FileServer() { end(); }
    FileServer(const FileServer&) = delete;
    FileServer& operator=(const FileServer&) = delete;

    [[nodiscard]] ProcessId process() const { return process_; }
    // What the first word of a page holds.
    [[nodiscard]] static constexpr uint64_t word_of(uint64_t inode, uint64_t page) { return inode << 32 | (page + 1); }
    [[nodiscard]] static constexpr uint64_t block_of(uint64_t inode, uint64_t page) { return inode * kFilePages + page; }

    // From now on reads of the page fail.
    void damage(uint64_t inode, uint64_t page);
    // Pages of the file are for one use.
    void use_once(uint64_t inode) { once_ = inode; }
    // While it is held, reads wait.
    void hold() { held_ = true; }
    void release() { held_ = false; }
    // Takes away what is cached of a file.
    Error forget(uint64_t inode, uint64_t page = 0, uint64_t pages = kFilePages);
    // Ends threads and process; what has been asked for and not answered stays so.
    void end();

    struct Read {
        uint64_t inode, page, pages;
    };
    std::vector<Read> reads();
    [[nodiscard]] uint64_t opened() const { return opened_; }
    [[nodiscard]] uint64_t closed() const { return closed_; }

  private:
    void wait_until_served();
    void serve(CpuId cpu);
    void answer(CpuId cpu, const Message& request);
    Error read(CpuId cpu, uint64_t inode, uint64_t page, uint64_t pages);
    // Whether the handle is surplus.
    uint64_t reply(CpuId cpu, uint64_t request, Error outcome, uint64_t inode);

    Harness& vm_;
    const CpuId cpu_;
    const uint64_t file_pages_;
    const ProcessId process_;
    std::atomic<bool> held_{false}, ending_{false};
    std::atomic<uint64_t> once_{0}, opened_{0}, closed_{0};
    std::mutex lock_;
    std::set<std::pair<uint64_t, uint64_t>> damaged_;
    std::vector<Read> reads_;
    std::vector<std::thread> threads_;
};

}  // namespace shoal::vm::test
