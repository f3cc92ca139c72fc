// World: what a scenario of a failing call plays in: VM, the calling process on CPU 0, another one on CPU 1, and what of them the
// scenario has to remember from its beginning to its call.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <thread>

#include "tests/model/failure/snapshot.hpp"
#include "tests/support/vm/file_server.hpp"

namespace shoal::model {

using vm::test::kCpu0;
using vm::test::kCpu1;

class World {
  public:
    static constexpr uint64_t kDevice = 0x803, kInode = 77, kReadWrite = kProtectRead | kProtectWrite;
    static constexpr uint64_t kPrivate = kMapPrivate | kMapAnonymous, kShared = kMapShared | kMapAnonymous;
    static constexpr uint64_t kContiguous = kPrivate | kMapContiguous | kMapPopulate;
    static constexpr VirtualAddress kPlace{0x4000'0000};  // the first of a leaf, and of a segment that all CPUs use

    World(uint64_t bytes, uint32_t cpus)
        : vm({.cpus = cpus, .bytes = bytes, .slots = 8}), at_first(vm), caller(vm.create(kCpu0)), other(vm.create(CpuId::from(cpus - 1))) {}

    ~World() { end(); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // --- Setting up ---
    VirtualAddress map(uint64_t pages, uint64_t flags = kPrivate, VirtualAddress place = {}, uint64_t protection = kReadWrite);
    // With a word in each page, which is looked for later.
    VirtualAddress map_filled(uint64_t pages, uint64_t flags = kPrivate, VirtualAddress place = {});
    void fill(ProcessId process, VirtualAddress start, uint64_t pages);
    void put(VirtualAddress to, const void* from, uint64_t bytes);
    // From the caller's pages into the cache, as a device's blocks from 0 on, and as pages of a file if inode is not 0.
    void cache(VirtualAddress from, uint64_t pages, uint64_t inode = 0);
    // A heap, as an image brings it.
    void begin_heap();
    void serve_files() { files = std::make_unique<vm::test::FileServer>(vm, kCpu1); }
    // The caller is to be the file server; the other process wants to map a file, until it is answered.
    void want_a_file();
    // Another process for one that is good for exit only.
    void renew_other();
    // The end of all processes, and of what outlives them. Once.
    void end();

    // --- What is tried ---
    Error call(VmCall number, const Message& arguments) { return call_of(caller, number, arguments); }
    Error call_of(ProcessId process, VmCall number, const Message& arguments);
    Error write(VirtualAddress word, uint64_t value) { return vm.write(kCpu0, caller, word, value); }
    Error read(VirtualAddress word) { return vm.read(kCpu0, caller, word).error(); }
    // A memory request of the kernel.
    Error ask_for(VirtualAddress start, uint64_t bytes, uint64_t flags);

    // --- Looking ---
    // Whether what was filled in is there still.
    [[nodiscard]] bool remembers();
    // What the call is meant to take away.
    void forget(VirtualAddress start, uint64_t pages);
    void forget_all();
    // It has not.
    void remember_again() { words_.merge(forgotten_); }

    vm::test::Harness vm;
    const Holdings at_first;
    const ProcessId caller;
    ProcessId other;
    VirtualAddress at{}, there{};
    uint64_t given = 0;  // to the file server, a request
    Message answer{};
    std::unique_ptr<vm::test::FileServer> files;

  private:
    void answer_all(ProcessId server);
    uint64_t wanted_of_server();

    bool ended_ = false;
    std::thread client_;
    std::atomic<bool> client_waits_{false};
    std::map<std::pair<uint32_t, uint64_t>, uint64_t> words_, forgotten_;  // by process and address
};

}  // namespace shoal::model
