// FakeSystem: the kernel, VM and RS as PM sees them (servers/pm/platform). It keeps slots, threads and spaces, holds PM to the
// order in which a process is taken apart, and lets one of PM's calls fail when a test wants it to.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "servers/pm/platform/platform.hpp"

namespace shoal::pm::test {

enum class Step : uint8_t { Create, Privileges, Space, Load, Share, Start, Release };

class FakeSystem {
  public:
    static constexpr uint32_t kProcessSlots = 12, kThreadSlots = 20;

    // RS runs, PM has its slot.
    FakeSystem();
    ~FakeSystem();
    FakeSystem(const FakeSystem&) = delete;
    FakeSystem& operator=(const FakeSystem&) = delete;
    static FakeSystem& instance();

    // The next such call fails, once.
    void fail_next(Step step, Error error) { failure_ = {step, error}; }

    // What programs do without PM: kNone where there is no thread slot left.
    Endpoint add_thread(Endpoint process);
    void end_thread(Endpoint thread);
    void stop(Endpoint process, int64_t status);
    void store_image(const std::string& name, const platform::StoredImage& image) { images_[name] = image; }

    // What is there.
    [[nodiscard]] uint32_t processes() const { return static_cast<uint32_t>(processes_.size()); }
    [[nodiscard]] uint32_t threads() const { return static_cast<uint32_t>(threads_.size()); }
    [[nodiscard]] uint32_t spaces() const;
    [[nodiscard]] bool has_slots_for_process() const { return free_slot() != 0 && free_thread_slot() != 0; }
    [[nodiscard]] bool runs(Endpoint process) const;

    // What PM has told. Taken by the test.
    struct Answer {
        Endpoint thread;
        Error outcome;
        Endpoint child;
        int64_t status;
    };
    std::vector<Answer> answers;
    struct Done {
        Endpoint child;
        int64_t status;
    };
    std::vector<Done> told_root;
    // What PM has asked for last.
    std::string title;
    Privileges privileges{};
    LoadRequest load{};
    uint64_t quota = 0, cpu = 0;
    std::vector<VirtualRange> shares;
    // Steps in an order that the kernel or VM would have refused, or that would have lost something.
    std::vector<std::string> mistakes;

    // The platform's functions.
    Result<platform::ProcessName> create(const char* name, Endpoint parent);
    Result<void> set_privileges(Endpoint process, const Privileges& wanted);
    Result<void> start(Endpoint process, const platform::EntryPoint& at, uint64_t on_cpu);
    Result<void> kill(Endpoint process, int64_t status);
    Result<platform::StoppedProcess> take_stopped();
    Result<void> release(Endpoint process);
    Result<platform::ProcessName> process_of(Endpoint thread) const;
    Result<void> create_space(const platform::ProcessName& process, uint64_t pages);
    Result<platform::EntryPoint> load_image(const LoadRequest& request);
    Result<void> share(ProcessId from, const VirtualRange& range, ProcessId to);
    Result<void> announce_end(ProcessId process);
    Result<void> destroy_space(ProcessId process);
    Result<platform::StoredImage> find_image(const std::string& name) const;

  private:
    enum class Life : uint8_t { Created, Running, Stopped, Taken };
    struct Process {
        Endpoint endpoint, parent;
        Life life = Life::Created;
        bool has_space = false, end_announced = false;
        int64_t status = 0;
    };
    [[nodiscard]] uint32_t free_slot() const;
    [[nodiscard]] uint32_t free_thread_slot() const;
    Endpoint take_thread_slot(ProcessId process);
    Process* find(Endpoint process);
    std::optional<Error> failure_at(Step step);
    void mistake(const std::string& what) { mistakes.push_back(what); }

    std::map<uint32_t, Process> processes_;   // by ProcessId
    std::map<uint32_t, ProcessId> threads_;   // by endpoint
    std::map<uint32_t, uint16_t> generation_, thread_generation_;  // by slot
    std::deque<ProcessId> stopped_;
    std::map<std::string, platform::StoredImage> images_;
    std::optional<std::pair<Step, Error>> failure_;
};

}  // namespace shoal::pm::test
