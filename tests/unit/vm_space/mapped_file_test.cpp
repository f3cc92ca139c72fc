// Files in memory: pages that a file server reads when they are touched, shared by all who map them, and copied by who writes.
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/support/patience.hpp"
#include "tests/support/vm/file_server.hpp"

namespace shoal::vm::test {
namespace {

class MappedFile : public ::testing::Test {
  protected:
    static constexpr uint64_t kFile = 7, kReadWrite = kProtectRead | kProtectWrite;

    void TearDown() override {
        EXPECT_EQ(vm.audit(), 0u);
        for (const ProcessId process : {first, second}) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
        vm.settle();
        EXPECT_EQ(wait_for_closed(), server.opened()) << "what was opened is closed, once";
        EXPECT_EQ(vm.call(kCpu0, server.process(), VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
        server.end();
        EXPECT_EQ(vm.audit(), 0u);
    }
    uint64_t wait_for_closed() {
        (void)shoal::test::comes_true([&] { return server.closed() >= server.opened() + given; });
        return server.closed() - given;
    }
    Message ask(ProcessId process, uint64_t descriptor, uint64_t pages, uint64_t protection = kProtectRead, uint64_t flags = kMapPrivate,
                uint64_t offset = 0, VirtualAddress address = {}) {
        return vm.call(kCpu0, process, VmCall::MmapFile, {{0, address.raw(), pages * kPageSize, protection, flags, descriptor, offset}});
    }
    VirtualAddress map(ProcessId process, uint64_t descriptor, uint64_t pages, uint64_t protection = kProtectRead, uint64_t flags = kMapPrivate,
                       uint64_t first_page = 0) {
        const Message answer = ask(process, descriptor, pages, protection, flags, first_page * kPageSize);
        EXPECT_EQ(answer.outcome(), Error::None) << error_text(answer.outcome());
        return VirtualAddress{answer.words[1]};
    }
    uint64_t read(ProcessId process, VirtualAddress at, CpuId cpu = kCpu0) {
        const Result<uint64_t> seen = vm.read(cpu, process, at);
        EXPECT_TRUE(seen.ok()) << error_text(seen.error());
        return seen.ok() ? seen.value() : 0;
    }
    bool holds(ProcessId process, VirtualAddress at, uint64_t file, uint64_t first_page, uint64_t pages) {
        for (uint64_t i = 0; i < pages; ++i)
            if (read(process, at + i * kPageSize) != FileServer::word_of(file, first_page + i)) return false;
        return true;
    }
    Error fork(ProcessId source, ProcessId copy) { return vm.call(kCpu0, source, VmCall::Fork, {{0, source.raw(), copy.raw()}}).outcome(); }

    Harness vm{{.cpus = 3}};
    FileServer server{vm, kCpu2};
    const ProcessId first = vm.create(kCpu0), second = vm.create(kCpu1);
    uint64_t given = 0;  // handles that the server has given VM with vfs_mmap, and that are closed before or in the end
};

TEST_F(MappedFile, IsReadWhenItIsTouchedAndSharedByAll) {
    const VirtualAddress a = map(first, kFile, 40, kProtectRead, kMapPrivate, 3);
    EXPECT_EQ(server.reads().size(), 0u);
    EXPECT_TRUE(holds(first, a, kFile, 3, 40));
    const size_t reads = server.reads().size();
    EXPECT_LE(reads, 4u);
    const VirtualAddress b = map(second, kFile, 40, kProtectRead, kMapShared, 3);
    EXPECT_TRUE(holds(second, b, kFile, 3, 40));
    EXPECT_EQ(server.reads().size(), reads) << "from the cache";
    EXPECT_EQ(read(first, a + (kPageSize - 8)), ~FileServer::word_of(kFile, 3));
}

TEST_F(MappedFile, AFaultMapsWhatIsCachedAround) {
    const VirtualAddress a = map(first, kFile, 64);
    EXPECT_TRUE(holds(first, a, kFile, 0, 64));
    const VirtualAddress b = map(second, kFile, 64);
    const uint64_t before = vm.usage(kCpu0, second).resident_pages;
    (void)read(second, b + 21 * kPageSize);
    EXPECT_EQ(vm.usage(kCpu0, second).resident_pages, before + PageBlock::kPages);
    const VirtualAddress c = map(second, kFile, 5, kProtectRead, kMapPrivate, 14);
    (void)read(second, c);
    EXPECT_EQ(vm.usage(kCpu0, second).resident_pages, before + PageBlock::kPages + 2) << "no further than the map and the block";
}

TEST_F(MappedFile, ReadsAheadWhereAProgramGoesThroughIt) {
    const VirtualAddress a = map(first, kFile, 1000);
    EXPECT_TRUE(holds(first, a, kFile, 0, 1000));
    uint64_t next = 0;
    for (const FileServer::Read& read : server.reads()) {
        EXPECT_EQ(read.page, next);
        next = read.page + read.pages;
    }
    EXPECT_EQ(next, 1000u) << "nothing beyond the map";
    EXPECT_LE(server.reads().size(), 8u);
    const size_t before = server.reads().size();
    const VirtualAddress b = map(first, kFile + 1, 1000);
    (void)read(first, b + 500 * kPageSize);
    (void)read(first, b + 100 * kPageSize);
    const std::vector<FileServer::Read> reads = server.reads();
    ASSERT_EQ(reads.size(), before + 2);
    EXPECT_EQ(reads.back().pages, PageBlock::kPages) << "here and there: no more than a block";
    EXPECT_EQ(reads.back().page, 96u);
}

TEST_F(MappedFile, AsksForWhatIsMissingOnly) {
    const VirtualAddress a = map(first, kFile, 16);
    EXPECT_TRUE(holds(first, a, kFile, 0, 16));
    ASSERT_EQ(server.forget(kFile, 3, 4), Error::None);
    ASSERT_EQ(server.forget(kFile, 10, 2), Error::None);
    const size_t before = server.reads().size();
    EXPECT_EQ(read(first, a + 5 * kPageSize), FileServer::word_of(kFile, 5));
    const std::vector<FileServer::Read> reads = server.reads();
    ASSERT_EQ(reads.size(), before + 1);
    EXPECT_EQ(reads.back().page, 3u);
    EXPECT_EQ(reads.back().pages, 4u);
    EXPECT_TRUE(holds(first, a, kFile, 0, 16));
}

TEST_F(MappedFile, WhatIsWrittenIsOnesOwn) {
    const VirtualAddress a = map(first, kFile, 20, kReadWrite), b = map(second, kFile, 20, kReadWrite);
    EXPECT_TRUE(holds(first, a, kFile, 0, 20));
    EXPECT_TRUE(holds(second, b, kFile, 0, 20));
    const uint64_t charged = vm.usage(kCpu0, first).charged_pages;
    EXPECT_EQ(vm.write(kCpu0, first, a + kPageSize, 5), Error::None) << "a page that is borrowed";
    EXPECT_EQ(vm.usage(kCpu0, first).charged_pages, charged + 1);
    EXPECT_EQ(read(first, a + kPageSize), 5u);
    EXPECT_EQ(read(first, a + 2 * kPageSize - 8), ~FileServer::word_of(kFile, 1)) << "the rest of the page is the file's";
    EXPECT_TRUE(holds(second, b, kFile, 0, 20));
    const VirtualAddress c = map(first, kFile, 20, kReadWrite);
    EXPECT_EQ(vm.write(kCpu0, first, c + 19 * kPageSize, 6), Error::None) << "one that is not mapped yet";
    EXPECT_EQ(read(first, c + 20 * kPageSize - 8), ~FileServer::word_of(kFile, 19));
    EXPECT_EQ(read(first, a + 19 * kPageSize), FileServer::word_of(kFile, 19));
    EXPECT_EQ(vm.discard(kCpu0, first, a, 20 * kPageSize), Error::None);
    EXPECT_TRUE(holds(first, a, kFile, 0, 20)) << "what was written has gone, the file has not";
}

TEST_F(MappedFile, AWriteSeenElsewhereWaitsForTheOthersToForget) {
    const VirtualAddress a = map(first, kFile, 2, kReadWrite);
    (void)read(first, a, kCpu0);
    (void)read(first, a, kCpu1);
    EXPECT_EQ(vm.write(kCpu0, first, a, 9), Error::None);
    EXPECT_EQ(read(first, a, kCpu1), 9u) << "the other CPU's entry of the file's page has gone";
    ASSERT_EQ(server.forget(kFile), Error::None);
    EXPECT_EQ(read(first, a, kCpu1), 9u);
}

// Whoever still reads it there has it, though the cache may give it up.
TEST_F(MappedFile, AReplacedPageIsHeldUntilTheOthersHaveForgottenIt) {
    const VirtualAddress a = map(first, kFile, 2, kReadWrite);
    for (const CpuId cpu : {kCpu0, kCpu1}) (void)read(first, a, cpu);
    const FrameInfo& frame = vm.arena().table()[vm.processes().find(first)->leaves.find(a)->table().get(page_in_leaf(a)).frame()];
    const auto before = frame.references();
    const uint64_t flushes = vm.machine.remote_flushes;
    std::unique_lock deaf(vm.machine.turn(kCpu1));
    std::thread writing([&] { EXPECT_EQ(vm.write(kCpu0, first, a, 9), Error::None); });
    while (vm.machine.remote_flushes == flushes) std::this_thread::yield();
    EXPECT_EQ(frame.references(), before + 1);
    deaf.unlock();
    writing.join();
    vm.settle();
    EXPECT_EQ(frame.references(), before);
}

TEST_F(MappedFile, ASharedMapIsOnlyRead) {
    const VirtualAddress a = map(first, kFile, 4, kProtectRead, kMapShared);
    EXPECT_TRUE(holds(first, a, kFile, 0, 4));
    EXPECT_EQ(vm.write(kCpu0, first, a, 1), Error::AccessDenied);
    EXPECT_EQ(vm.mprotect(kCpu0, first, a, 4 * kPageSize, kReadWrite), Error::AccessDenied);
    EXPECT_EQ(ask(first, kFile, 4, kReadWrite, kMapShared).outcome(), Error::NoDevice);
    const Message cached = vm.call(kCpu0, server.process(), VmCall::Mapcachepage, {{0, FileServer::kDevice, FileServer::block_of(kFile, 2) * kPageSize, 0, 0, 1}});
    ASSERT_EQ(cached.outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu2, server.process(), VirtualAddress{cached.words[1]}, 77), Error::None);
    EXPECT_EQ(read(first, a + 2 * kPageSize), 77u) << "what the server writes is seen at once";
}

TEST_F(MappedFile, AForksCopyHasItToo) {
    const VirtualAddress a = map(first, kFile, 40, kReadWrite);
    EXPECT_EQ(vm.write(kCpu0, first, a + kPageSize, 5), Error::None);
    (void)read(first, a);
    ASSERT_EQ(fork(first, second), Error::None);
    EXPECT_EQ(read(second, a + kPageSize, kCpu1), 5u);
    EXPECT_EQ(vm.write(kCpu1, second, a + kPageSize, 6), Error::None);
    EXPECT_EQ(vm.write(kCpu1, second, a + 2 * kPageSize, 7), Error::None);
    EXPECT_EQ(read(first, a + kPageSize), 5u);
    EXPECT_EQ(vm.munmap(kCpu0, first, a, 40 * kPageSize), Error::None);
    EXPECT_TRUE(holds(second, a + 3 * kPageSize, kFile, 3, 37)) << "the file stays open for the copy";
}

TEST_F(MappedFile, WhatIsForgottenIsReadAgain) {
    const VirtualAddress a = map(first, kFile, 40), b = map(second, kFile, 40);
    EXPECT_TRUE(holds(first, a, kFile, 0, 40));
    EXPECT_TRUE(holds(second, b, kFile, 0, 40));
    const size_t before = server.reads().size();
    ASSERT_EQ(server.forget(kFile), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, first).resident_pages, 0u);
    EXPECT_TRUE(holds(second, b, kFile, 0, 40));
    EXPECT_GT(server.reads().size(), before);
}

TEST_F(MappedFile, ManyWhoWaitForOnePageAskOnce) {
    const VirtualAddress a = map(first, kFile, 16);
    server.hold();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i)
        threads.emplace_back([&, i] { EXPECT_EQ(read(first, a + i * kPageSize, CpuId::from(i % 2)), FileServer::word_of(kFile, i)); });
    while (server.reads().empty()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    server.release();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(server.reads().size(), 1u);
}

TEST_F(MappedFile, WhatCannotBeReadEndsWhoTouchesItAndNobodyElse) {
    server.damage(kFile, 5);
    const VirtualAddress a = map(first, kFile, 16);
    EXPECT_EQ(vm.read(kCpu0, first, a + 5 * kPageSize).error(), Error::InputOutput);
    EXPECT_EQ(server.reads().size(), 2u) << "with its neighbours, then alone";
    EXPECT_EQ(server.reads().back().pages, 1u);
    EXPECT_TRUE(holds(first, a + 6 * kPageSize, kFile, 6, 10));
    EXPECT_TRUE(holds(first, a, kFile, 0, 5));
    const VirtualAddress b = map(first, kFile, 8, kProtectRead, kMapPrivate, FileServer::kFilePages - 4);
    EXPECT_TRUE(holds(first, b, kFile, FileServer::kFilePages - 4, 4));
    EXPECT_EQ(vm.read(kCpu0, first, b + 4 * kPageSize).error(), Error::BadAddress) << "behind the file's end";
}

// The server may still be reading by the handle for somebody who has gone.
TEST_F(MappedFile, IsNotClosedWhileItIsRead) {
    const ProcessId third = vm.create(kCpu0);
    const VirtualAddress a = map(third, kFile, 16);
    server.hold();
    std::thread reader([&] { EXPECT_EQ(vm.read(kCpu0, third, a).error(), Error::NoProcess); });
    while (server.reads().empty()) std::this_thread::yield();
    vm.stop(third);
    EXPECT_EQ(vm.exit(kCpu1, third), Error::None);
    vm.settle();
    EXPECT_EQ(vm.audit(), 0u);
    EXPECT_EQ(server.closed(), 0u);
    server.release();
    reader.join();
    EXPECT_EQ(wait_for_closed(), 1u);
}

TEST_F(MappedFile, PagesForOneUseAreNobodyElses) {
    server.use_once(kFile);
    const VirtualAddress a = map(first, kFile, 4), b = map(second, kFile, 4);
    EXPECT_TRUE(holds(first, a, kFile, 0, 4));
    const size_t before = server.reads().size();
    EXPECT_TRUE(holds(second, b, kFile, 0, 4));
    EXPECT_GT(server.reads().size(), before) << "read once more";
    EXPECT_TRUE(holds(first, a, kFile, 0, 4)) << "and kept by whoever has them";
    EXPECT_GE(vm.usage(kCpu0, first).charged_pages, 4u);
}

TEST_F(MappedFile, IsPlacedAsAskedAndReplacesWhatWasThere) {
    constexpr VirtualAddress kAt{uint64_t{1} << 33};
    EXPECT_EQ(vm.mmap(kCpu0, first, 8 * kPageSize, kReadWrite, kMapPrivate | kMapAnonymous | kMapFixed, kAt).release(), kAt);
    EXPECT_EQ(vm.write(kCpu0, first, kAt + 2 * kPageSize, 1), Error::None);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate | kMapFixedNoReplace, 0, kAt).outcome(), Error::Exists);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate | kMapFixed, 0, kAt).outcome(), Error::None);
    EXPECT_TRUE(holds(first, kAt, kFile, 0, 4));
    EXPECT_EQ(ask(first, kFile + 1, 2, kProtectRead | kProtectExecute, kMapPrivate | kMapFixed, kPageSize, kAt + kPageSize).outcome(), Error::None);
    EXPECT_TRUE(holds(first, kAt + kPageSize, kFile + 1, 1, 2));
    EXPECT_TRUE(holds(first, kAt + 3 * kPageSize, kFile, 3, 1));
    EXPECT_EQ(vm.execute(kCpu0, first, kAt + kPageSize), Error::None);
    EXPECT_EQ(vm.mmap(kCpu0, first, 8 * kPageSize, kReadWrite, kMapPrivate | kMapAnonymous | kMapFixed, kAt).release(), kAt);
    EXPECT_EQ(read(first, kAt), 0u);
    EXPECT_EQ(wait_for_closed(), 3u);
}

TEST_F(MappedFile, IsReadInAdvanceWhereThatIsWanted) {
    const VirtualAddress a = map(first, kFile, 100, kProtectRead, kMapPrivate | kMapPopulate);
    const auto asked = [&] {
        uint64_t pages = 0;
        for (const FileServer::Read& read : server.reads()) pages += read.pages;
        return pages;
    };
    while (asked() < 100) std::this_thread::yield();
    EXPECT_EQ(asked(), 100u);
    EXPECT_TRUE(holds(first, a, kFile, 0, 100));
}

TEST_F(MappedFile, CanBeMadePresentForAServer) {
    const VirtualAddress a = map(first, kFile, 300, kReadWrite);
    const auto touch = [&](VirtualAddress at, uint64_t pages, uint64_t flags) {
        return vm.call(kCpu1, server.process(), VmCall::Procctl, {{0, first.raw(), kProcessTouch, at.raw(), pages * kPageSize, flags}}).outcome();
    };
    EXPECT_EQ(touch(a, 300, 0), Error::None);
    EXPECT_EQ(vm.usage(kCpu0, first).resident_pages, 300u);
    EXPECT_EQ(touch(a, 2, kFaultWrite), Error::None);
    server.damage(kFile, 400);
    const VirtualAddress b = map(first, kFile, 30, kProtectRead, kMapPrivate, 390);
    EXPECT_EQ(touch(b, 30, 0), Error::InputOutput);
    EXPECT_EQ(touch(b, 10, 0), Error::None);
}

TEST_F(MappedFile, TheServerMapsForAnExec) {
    const VirtualAddress buffer = vm.mmap(kCpu2, server.process(), kPageSize).release();
    const auto map_for = [&](const FileMapRequest& request) {
        constexpr uint64_t kWords = sizeof(FileMapRequest) / sizeof(uint64_t);
        uint64_t words[kWords];
        __builtin_memcpy(words, &request, sizeof(request));
        for (uint64_t i = 0; i < kWords; ++i) EXPECT_EQ(vm.write(kCpu2, server.process(), buffer + i * sizeof(uint64_t), words[i]), Error::None);
        return vm.call(kCpu2, server.process(), VmCall::VfsMmap, {{0, buffer.raw()}}).outcome();
    };
    constexpr VirtualAddress kAt{uint64_t{1} << 33};
    FileMapRequest request{first, 100, kAt, 3 * kPageSize, kReadWrite, 5, FileServer::kDevice, kFile, 2 * kPageSize};
    EXPECT_EQ(map_for(request), Error::None);
    EXPECT_TRUE(holds(first, kAt, kFile, 2, 3));
    EXPECT_EQ(read(first, kAt + kPageSize - 8), ~FileServer::word_of(kFile, 2));
    EXPECT_EQ(read(first, kAt + 3 * kPageSize - 8), 0u) << "zeros behind the file's part";
    EXPECT_EQ(map_for(request), Error::Exists);
    ASSERT_EQ(fork(first, second), Error::None);
    EXPECT_EQ(read(second, kAt + 3 * kPageSize - 8), 0u);
    EXPECT_EQ(vm.write(kCpu1, second, kAt + 3 * kPageSize - 8, 1), Error::None);
    EXPECT_EQ(read(first, kAt + 3 * kPageSize - 8), 0u);
    for (auto [wrong, error] : {std::pair{&FileMapRequest::inode, uint64_t{0}}, {&FileMapRequest::device, 0}, {&FileMapRequest::offset, 5}, {&FileMapRequest::bytes, 0},
                                {&FileMapRequest::protection, kProtectWrite | kProtectExecute}}) {
        FileMapRequest bad = request;
        bad.*wrong = error;
        EXPECT_EQ(map_for(bad), Error::Invalid);
    }
    FileMapRequest bad = request;
    bad.clear_bytes = kPageSize;
    EXPECT_EQ(map_for(bad), Error::Invalid);
    bad = request;
    bad.process = ProcessId::of(63, 9);
    EXPECT_EQ(map_for(bad), Error::NoProcess);
    EXPECT_EQ(vm.call(kCpu2, server.process(), VmCall::VfsMmap, {{0, 8}}).outcome(), Error::BadAddress);
    for (const ProcessId process : {first, second}) EXPECT_EQ(vm.munmap(kCpu0, process, kAt, 3 * kPageSize), Error::None);
    while (server.closed() == 0) std::this_thread::yield();
    EXPECT_EQ(server.closed(), 1u);
    given = 1;
}

TEST_F(MappedFile, SaysWhatIsWrong) {
    EXPECT_EQ(ask(first, FileServer::kBadDescriptor, 4).outcome(), Error::BadDescriptor);
    EXPECT_EQ(ask(first, FileServer::kUnreadable, 4).outcome(), Error::AccessDenied);
    EXPECT_EQ(ask(first, kFile, 0).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate, 5).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate, ~uint64_t{0} & ~uint64_t{kPageSize - 1}).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate | kMapShared).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, 4, kProtectRead, kMapPrivate | kMapAnonymous).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, 4, kProtectWrite | kProtectExecute).outcome(), Error::Invalid);
    EXPECT_EQ(ask(first, kFile, uint64_t{1} << 40, kProtectRead).outcome(), Error::NoMemory);
    EXPECT_EQ(ask(server.process(), kFile, 4).outcome(), Error::Deadlock);
    const auto reply = [&](ProcessId process, uint64_t request) { return vm.call(kCpu0, process, VmCall::VfsReply, {{0, request, 0, 1, 1, 1}}).outcome(); };
    EXPECT_EQ(reply(server.process(), 12'345), Error::NoEntry);
    const VirtualAddress a = map(first, kFile, 4);
    server.hold();
    std::thread reader([&] { EXPECT_EQ(read(first, a), FileServer::word_of(kFile, 0)); });
    while (server.reads().empty()) std::this_thread::yield();
    for (uint64_t request = 0; request < 20; ++request) EXPECT_EQ(reply(second, request), Error::NoEntry) << "another's request";
    server.release();
    reader.join();
    for (const VmCall call : {VmCall::VfsWait, VmCall::VfsReply, VmCall::VfsMmap}) EXPECT_EQ(vm.call(kCpu0, first, call, {}, 0).outcome(), Error::CallDenied);
    EXPECT_EQ(vm.call(kCpu0, second, VmCall::Getref, {{0, first.raw(), a.raw()}}).outcome(), Error::Invalid);
    EXPECT_EQ(vm.call(kCpu0, second, VmCall::Share, {{0, first.raw(), a.raw(), kPageSize, second.raw()}}).outcome(), Error::BadAddress);
}

// What the server's own thread misses it could not bring: its fault, or its copy from a program's memory.
TEST_F(MappedFile, TheServerDoesNotWaitForItself) {
    const VirtualAddress buffer = vm.mmap(kCpu2, server.process(), kPageSize).release();
    const FileMapRequest request{server.process(), 0, VirtualAddress{uint64_t{1} << 33}, kPageSize, kProtectRead, 5, FileServer::kDevice, kFile, 0};
    uint64_t words[sizeof(request) / sizeof(uint64_t)];
    __builtin_memcpy(words, &request, sizeof(request));
    for (uint64_t i = 0; i < std::size(words); ++i) EXPECT_EQ(vm.write(kCpu2, server.process(), buffer + i * sizeof(uint64_t), words[i]), Error::None);
    ASSERT_EQ(vm.call(kCpu2, server.process(), VmCall::VfsMmap, {{0, buffer.raw()}}).outcome(), Error::None);
    EXPECT_EQ(vm.read(kCpu2, server.process(), request.address).error(), Error::Deadlock);
    EXPECT_EQ(vm.munmap(kCpu2, server.process(), request.address, kPageSize), Error::None);
    given = 1;
}

TEST(FileServers, WhatIsMappedGivesWayWhereMemoryEnds) {
    constexpr uint64_t kFiles = 2, kPages = FileServer::kFilePages;  // more than there is memory
    Harness vm{{.cpus = 3, .bytes = uint64_t{24} << 20}};
    FileServer server(vm, kCpu2);
    const ProcessId processes[kFiles] = {vm.create(kCpu0), vm.create(kCpu1)};
    VirtualAddress maps[kFiles];
    const auto holds = [&](uint64_t file, uint64_t page) {
        const Result<uint64_t> seen = vm.read(kCpu0, processes[file], maps[file] + page * kPageSize);
        return seen.ok() && seen.value() == FileServer::word_of(7 + file, page);
    };
    for (uint64_t file = 0; file < kFiles; ++file) {
        const Message map{{0, 0, kPages * kPageSize, kProtectRead, kMapPrivate, 7 + file, 0}};
        maps[file] = VirtualAddress{vm.call(kCpu0, processes[file], VmCall::MmapFile, map).words[1]};
        for (uint64_t page = 0; page < kPages; ++page) ASSERT_TRUE(holds(file, page)) << file << ", " << page;
    }
    EXPECT_EQ(vm.audit(), 0u);
    for (uint64_t file = 0; file < kFiles; ++file)
        for (uint64_t page = 0; page < kPages; page += 333) EXPECT_TRUE(holds(file, page)) << file << ", " << page;
    for (const ProcessId process : processes) EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_EQ(vm.call(kCpu0, server.process(), VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
    server.end();
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(FileServers, WithoutOneNoFileIsMapped) {
    Harness vm{{.cpus = 1}};
    const ProcessId process = vm.create(kCpu0);
    EXPECT_EQ(vm.call(kCpu0, process, VmCall::MmapFile, {{0, 0, kPageSize, kProtectRead, kMapPrivate, 3, 0}}).outcome(), Error::NoDevice);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_EQ(vm.audit(), 0u);
}

TEST(FileServers, ANewOneAnswersWhatTheOldOneHasNot) {
    constexpr uint64_t kFile = 7;
    Harness vm{{.cpus = 3}};
    auto old = std::make_unique<FileServer>(vm, kCpu2);
    const ProcessId process = vm.create(kCpu0);
    const auto map = [&](uint64_t descriptor) {
        return vm.call(kCpu0, process, VmCall::MmapFile, {{0, 0, 16 * kPageSize, kProtectRead, kMapPrivate, descriptor, 0}});
    };
    const VirtualAddress a{map(kFile).words[1]};
    old->hold();
    std::thread reader([&] { EXPECT_EQ(vm.read(kCpu0, process, a + kPageSize).release(), FileServer::word_of(kFile, 1)); });
    while (old->reads().empty()) std::this_thread::yield();
    std::thread mapper([&] { EXPECT_EQ(map(kFile + 1).outcome(), Error::None); });
    old->end();
    EXPECT_EQ(vm.audit(), 0u);
    FileServer next(vm, kCpu2);
    reader.join();
    mapper.join();
    EXPECT_EQ(next.reads().size(), 1u);
    EXPECT_EQ(vm.exit(kCpu0, process), Error::None);
    EXPECT_TRUE(shoal::test::comes_true([&] { return next.closed() == 2; })) << "what the old one has opened, too: " << next.closed();
    EXPECT_EQ(vm.call(kCpu0, next.process(), VmCall::Clearcache, {{0, FileServer::kDevice}}).outcome(), Error::None);
    next.end();
    EXPECT_EQ(vm.audit(), 0u);
}

}  // namespace
}  // namespace shoal::vm::test
