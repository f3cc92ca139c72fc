// willexit: from then on nothing is made for a process or out of it; what it has stays until exit.
#include <gtest/gtest.h>

#include <cstring>

#include "abi/memory.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::vm::test {
namespace {

class WillExit : public ::testing::Test {
  protected:
    static constexpr uint64_t kPages = 600, kBoth = kProtectRead | kProtectWrite;

    void SetUp() override {
        for (const ProcessId process : {ending, other}) {
            ASSERT_EQ(vm.mmap(kCpu0, process, kPages * kPageSize, kBoth, kMapAnonymous | kMapShared | kMapFixed, shared(process)).value(), shared(process));
            ASSERT_EQ(vm.mmap(kCpu0, process, kPages * kPageSize, kBoth, kMapAnonymous | kMapPrivate | kMapFixed, own(process)).value(), own(process));
            ASSERT_EQ(vm.write(kCpu0, process, own(process), 7), Error::None);
        }
    }
    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {ending, other, manager}) EXPECT_EQ(vm.exit(kCpu1, process), Error::None);
        EXPECT_EQ(vm.audit(), 0u);
    }
    // Each has its own addresses, so that none is in another's way.
    [[nodiscard]] VirtualAddress shared(ProcessId of) const { return VirtualAddress{uint64_t{1} << (of == ending ? 33 : 34)}; }
    [[nodiscard]] VirtualAddress own(ProcessId of) const { return shared(of) + (uint64_t{1} << 30); }
    Error ask(VmCall call, const Message& arguments) { return vm.call(kCpu0, manager, call, arguments).outcome(); }
    Error share(ProcessId from, ProcessId to) { return ask(VmCall::Share, {{0, from.raw(), own(from).raw(), kPageSize, to.raw()}}); }
    Error remap(VmCall call, ProcessId from, ProcessId to) {
        return ask(call, {{0, to.raw(), from.raw(), 0, shared(from).raw(), kPageSize}});
    }
    Error fork(ProcessId from, ProcessId to) { return ask(VmCall::Fork, {{0, from.raw(), to.raw()}}); }
    // A structure in the manager's memory, for a call that reads it there.
    template <typename T>
    VirtualAddress place(const T& request) {
        static_assert(sizeof(T) % sizeof(uint64_t) == 0);
        uint64_t words[sizeof(T) / sizeof(uint64_t)];
        memcpy(words, &request, sizeof request);
        const VirtualAddress at = vm.mmap(kCpu0, manager, sizeof words).release();
        for (uint64_t i = 0; i < std::size(words); ++i) EXPECT_EQ(vm.write(kCpu0, manager, at + i * sizeof(uint64_t), words[i]), Error::None);
        return at;
    }
    Error load(ProcessId into) {
        const File file = good_file();
        const std::vector<uint64_t> words = contents_of(file);
        const VirtualAddress image = own(ending);
        for (uint64_t i = 0; i < words.size(); ++i) EXPECT_EQ(vm.write(kCpu0, ending, image + i * sizeof(uint64_t), words[i]), Error::None);
        LoadRequest request{};
        request.process = into, request.source = ending, request.image = image, request.image_bytes = file.bytes;
        return ask(VmCall::Load, {{0, place(request).raw()}});
    }
    // Begins a call on CPU 0's worker; its answer comes from work().
    void begin(WorkerContext& worker, VmCall call, const Message& arguments) {
        exchange = Exchange{};
        exchange.message = arguments;
        exchange.message.words[kVmCallerWord] = manager.raw() | kVmCallAllowed;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(call));
        ASSERT_EQ(dispatch(worker, exchange).kind, Action::Kind::None);
        for (unsigned step = 0; step < 3; ++step) ASSERT_EQ(work(worker, exchange).kind, Action::Kind::None);
    }
    Error finish(WorkerContext& worker) {
        for (Action action; action.kind == Action::Kind::None;) action = work(worker, exchange);
        return exchange.message.outcome();
    }

    Harness vm{{.cpus = 2}};
    const ProcessId ending = vm.create(kCpu0), other = vm.create(kCpu0), manager = vm.create(kCpu0);
    Exchange exchange;
};

TEST_F(WillExit, NothingIsMadeForItOrOutOfIt) {
    const FileMapRequest file{ending, 0, own(ending) + (uint64_t{1} << 29), kPageSize, kProtectRead, 5, 0x901, 3, 0};
    const VirtualAddress file_request = place(file);
    const ProcessId copy = vm.create(kCpu0);
    ASSERT_EQ(remap(VmCall::Remap, ending, other), Error::None) << "it is well until then";
    ASSERT_EQ(vm.willexit(kCpu0, ending), Error::None);
    for (const auto& [from, to] : {std::pair{ending, other}, {other, ending}}) {
        EXPECT_EQ(share(from, to), Error::NoProcess);
        for (const VmCall call : {VmCall::Remap, VmCall::RemapRo}) EXPECT_EQ(remap(call, from, to), Error::NoProcess);
    }
    EXPECT_EQ(fork(ending, copy), Error::NoProcess);
    EXPECT_EQ(fork(copy, ending), Error::NoProcess);
    EXPECT_EQ(ask(VmCall::VfsMmap, {{0, file_request.raw()}}), Error::NoProcess);
    EXPECT_EQ(load(ending), Error::NoProcess);
    EXPECT_EQ(vm.usage(kCpu0, copy).regions, 1u) << "but for the page of the answer";
    EXPECT_EQ(vm.exit(kCpu0, copy), Error::None);
}

TEST_F(WillExit, WhatItHasStays) {
    ASSERT_EQ(vm.willexit(kCpu1, ending), Error::None);
    ASSERT_EQ(vm.willexit(kCpu0, ending), Error::None) << "twice is once";
    EXPECT_EQ(vm.write(kCpu1, ending, own(ending) + 5 * kPageSize, 9), Error::None) << "its faults are served";
    EXPECT_TRUE(vm.mmap(kCpu1, ending, kPageSize).ok()) << "and its calls";
    EXPECT_EQ(ask(VmCall::Procctl, {{0, ending.raw(), kProcessTouch, (own(ending) + 6 * kPageSize).raw(), kPageSize}}), Error::None);
    EXPECT_EQ(ask(VmCall::Getref, {{0, ending.raw(), shared(ending).raw()}}), Error::None);
    EXPECT_EQ(ask(VmCall::ShmUnmap, {{0, ending.raw(), shared(ending).raw()}}), Error::None) << "it may get rid of things";
    const ProcessId program = vm.create(kCpu0);
    EXPECT_EQ(load(program), Error::None) << "an image is only read";
    EXPECT_EQ(ask(VmCall::Procctl, {{0, ending.raw(), kProcessClear}}), Error::None);
    EXPECT_EQ(vm.exit(kCpu0, program), Error::None);
}

TEST_F(WillExit, ComesBeforeExit) {
    const Message name{{0, ending.raw()}};
    const ProcessId nobody = ProcessId::of(60, 3);
    EXPECT_EQ(ask(VmCall::Exit, name), Error::Invalid);
    EXPECT_EQ(vm.read(kCpu1, ending, own(ending)).release(), 7u) << "nothing has changed";
    EXPECT_EQ(vm.willexit(kCpu0, nobody), Error::NoProcess);
    for (const VmCall call : {VmCall::Willexit, VmCall::Exit}) {
        EXPECT_EQ(ask(call, {{0, nobody.raw()}}), Error::NoProcess);
        EXPECT_EQ(vm.call(kCpu0, other, call, name, 0).outcome(), Error::CallDenied);
    }
}

// Its slot's next process is well.
TEST_F(WillExit, EndsWithTheProcess) {
    const ProcessId first = vm.create(kCpu0);
    ASSERT_EQ(vm.exit(kCpu0, first), Error::None);
    EXPECT_EQ(vm.willexit(kCpu0, first), Error::NoProcess);
    const ProcessId next = vm.create(kCpu0);
    ASSERT_EQ(next.slot(), first.slot());
    EXPECT_EQ(fork(other, next), Error::None);
    EXPECT_EQ(ask(VmCall::Exit, {{0, next.raw()}}), Error::Invalid);
    EXPECT_EQ(vm.exit(kCpu0, next), Error::None);
}

TEST_F(WillExit, AForkUnderWayEndsWithItsSourceWhole) {
    const ProcessId copy = vm.create(kCpu0);
    for (const auto& [source, into] : {std::pair{ending, copy}, {other, copy}}) {
        for (uint64_t i = 0; i < kPages; ++i) ASSERT_EQ(vm.write(kCpu0, source, own(source) + i * kPageSize, i), Error::None);
        const ProcessId leaving = source == ending ? source : into;
        if (source == other) { ASSERT_EQ(ask(VmCall::Procctl, {{0, copy.raw(), kProcessClear}}), Error::None); }
        WorkerContext worker = vm.context(kCpu0);
        begin(worker, VmCall::Fork, {{0, source.raw(), into.raw()}});
        vm.processes().find(leaving)->announce_exit();
        EXPECT_EQ(finish(worker), Error::NoProcess);
        EXPECT_EQ(vm.munmap(kCpu0, source, own(source), kPageSize), Error::None) << "its maps may change again";
        EXPECT_EQ(vm.audit(), 0u);
    }
    EXPECT_EQ(vm.exit(kCpu0, copy), Error::None);
}

TEST_F(WillExit, AShareUnderWayEnds) {
    WorkerContext worker = vm.context(kCpu0);
    begin(worker, VmCall::Share, {{0, other.raw(), own(other).raw(), kPages * kPageSize, ending.raw()}});
    vm.processes().find(ending)->announce_exit();
    EXPECT_EQ(finish(worker), Error::NoProcess);
}

}  // namespace
}  // namespace shoal::vm::test
