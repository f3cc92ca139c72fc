// VmSystem: the real VM core behind its host harness, as the model tests drive it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/model/holdings.hpp"
#include "tests/model/system.hpp"
#include "tests/support/vm/file_server.hpp"

namespace shoal::model {

class VmSystem : public System {
  public:
    static constexpr uint64_t kCachedDevice = 3, kFile = 1;

    struct Options {
        uint32_t workers = 4;
        uint32_t spaces = 2;
        uint64_t bytes = uint64_t{256} << 20;  // of memory, VM's own included
        uint64_t quota = 0;                    // pages a space, 0: all memory
        uint32_t lateness = 0;                 // Harness::Options
    };
    explicit VmSystem(const Options& options);

    unsigned workers() const override { return options_.workers; }
    unsigned spaces() const override { return options_.spaces; }
    bool may_run_out() const override;
    bool serves_files() const override { return files_ != nullptr; }
    Outcome apply(const Operation& operation) override;
    void look(unsigned worker, unsigned space) override;
    uint64_t audit() override { return vm_.audit(); }
    Payment payment(unsigned space) override;
    std::string end() override;
    // Of all workers: how often VM ran its paths, so that a test can see that it reached them.
    vm::test::Harness& harness() { return vm_; }
    uint64_t refused_for_memory() const { return refused_for_memory_.load(); }

  private:
    ProcessId process(uint8_t space) const { return ProcessId{processes_[space].load()}; }
    ProcessId make_space(CpuId home, uint8_t place);
    void set_heap(ProcessId process);
    Outcome call(const Operation& op);
    Error change(const Operation& op);
    Error change_process(const Operation& op);
    Outcome access(const Operation& op);
    Outcome map(const Operation& op);
    Error renew(const Operation& op);
    Error end_process(CpuId cpu, ProcessId process);
    void end_files();
    Error fork(const Operation& op);
    Error share(const Operation& op);
    Error reach(const Operation& op);
    Outcome map_file(const Operation& op);
    Outcome remap(const Operation& op);
    Error set_blocks(const Operation& op);
    Outcome map_blocks(const Operation& op);
    Error forget_blocks(const Operation& op);
    Error control(const Operation& op, uint64_t what);
    Error clear(const Operation& op);
    Error map_joint(const Operation& op);
    Error map_image(const Operation& op);
    Message ask_about(VmCall number, const Operation& op);
    Outcome hold(const Operation& op);
    Error end_hold(const Operation& op);
    Outcome find_lost_hold(const Operation& op);
    Outcome take_news(const Operation& op);
    Outcome await_news(const Operation& op);
    Outcome take_answer(const Operation& op);
    Outcome news_in(const Message& answer);
    void collect_answers();
    bool end_waits(ProcessId process);
    Outcome control_memory(const Operation& op);
    Outcome prepare(const Operation& op);
    struct Present {
        uint64_t to_read = 0, to_write = 0;  // pages
    };
    Present count_present(uint8_t space, VirtualRange range = vm::Space::everything());
    Outcome load(const Operation& op);
    void put_on_desk(const void* bytes, uint64_t count);
    void store_images();
    Outcome list_regions(const Operation& op);
    Message manage(const Operation& op, VmCall number, const Message& arguments) {
        return vm_.call(CpuId::from(op.worker), manager_, number, arguments);
    }
    // The process' own call.
    Message make(const Operation& op, VmCall number, const Message& arguments) {
        return vm_.call(CpuId::from(op.worker), process(op.space), number, arguments);
    }

    const Options options_;
    vm::test::Harness vm_;
    const Holdings at_first_;
    const ProcessId manager_;  // of the others
    const VirtualAddress desk_;  // a page of its own, for what calls read and write
    std::vector<VirtualAddress> images_;  // with the manager, too
    std::vector<std::atomic<uint32_t>> processes_;
    std::unique_ptr<vm::test::FileServer> files_;  // on a CPU of its own; where memory is short there is none
    struct Hold {
        ProcessId process;
        uint64_t physical;
    };
    std::vector<Hold> holds_;
    struct AwaitedNews {
        ProcessId process;
        vm::test::Harness::Pending call;
    };
    std::vector<AwaitedNews> awaited_, answered_;  // of threads that wait, and that have been told, the first first
    std::mutex places_lock_;
    std::map<uint32_t, uint8_t> places_;  // of all processes that there have been
    std::atomic<uint64_t> refused_for_memory_{0};
};

}  // namespace shoal::model
