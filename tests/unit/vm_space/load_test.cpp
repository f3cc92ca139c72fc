// The call load: what is loaded has the file's bytes and rights; others are served meanwhile; what goes wrong half-way is an error.
#include <gtest/gtest.h>

#include "abi/memory.hpp"
#include "servers/vm/loader/elf_image.hpp"
#include "servers/vm/requests/dispatcher.hpp"
#include "tests/support/vm/harness.hpp"
#include "tests/unit/vm_space/elf_file.hpp"

namespace shoal::vm::test {
namespace {

class Load : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(vm.audit(), 0u); }
    // The file into the loader's memory, and the request for it.
    void prepare(const File& of, uint64_t quota = 0) {
        file = of;
        program = vm.create(kCpu0, quota);
        words = contents_of(file);
        image = vm.mmap(kCpu0, loader, file.bytes).release();
        put(image, words.data(), file.bytes);
        LoadRequest request{};
        request.process = program, request.source = loader, request.image = image, request.image_bytes = file.bytes;
        request.argument_count = 2, request.argument_bytes = 9;
        memcpy(request.arguments, "prog\0arg", 9);
        at = vm.mmap(kCpu0, loader, sizeof request).release();
        put(at, &request, sizeof request);
    }
    void put(VirtualAddress to, const void* from, uint64_t bytes) {
        for (uint64_t i = 0; i < bytes; i += 8) {
            uint64_t word = 0;
            memcpy(&word, static_cast<const char*>(from) + i, 8);
            ASSERT_EQ(vm.write(kCpu0, loader, to + i, word), Error::None);
        }
    }
    Message load() { return vm.call(kCpu0, loader, VmCall::Load, {{0, at.raw()}}); }
    // The call's first part, on the worker of the CPU; its answer comes from work().
    Action begin(WorkerContext& worker) {
        exchange = Exchange{};
        exchange.message.words[1] = at.raw();
        exchange.message.words[kVmCallerWord] = loader.raw() | kVmCallAllowed;
        exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(VmCall::Load));
        return dispatch(worker, exchange);
    }
    uint64_t value(VirtualAddress address) { return vm.read(kCpu0, program, address).release(); }

    Harness vm{{}};
    const ProcessId loader = vm.create(kCpu0);
    ProcessId program;
    File file;
    std::vector<uint64_t> words;
    VirtualAddress image, at;
    Exchange exchange;
};

File large_file() {
    File file = good_file();
    file.segments[2].file_bytes = 1000 * kPageSize;
    file.segments[2].memory_bytes = 1001 * kPageSize;
    file.bytes = 0x5000 + 1000 * kPageSize;
    return file;
}

TEST_F(Load, PutsBytesRightsHeapAndArgumentsInPlace) {
    prepare(good_file());
    const Message answer = load();
    ASSERT_EQ(answer.outcome(), Error::None);
    EXPECT_EQ(answer.words[1], file.header.entry);
    const VirtualAddress stack{answer.words[2]};
    EXPECT_EQ(answer.words[3], stack.raw());
    EXPECT_EQ(stack.raw() % 16, 0u);
    EXPECT_EQ(value(stack), 2u);
    const VirtualAddress first{value(stack + 8)};
    EXPECT_EQ(value(first.page_down() + first.page_offset() / 8 * 8) & 0xff, uint64_t{'p'});
    EXPECT_EQ(value(VirtualAddress{0x401008}), words[0x1008 / 8]);
    EXPECT_EQ(vm.execute(kCpu0, program, VirtualAddress{0x401008}), Error::None);
    EXPECT_EQ(vm.write(kCpu0, program, VirtualAddress{0x401008}, 1), Error::AccessDenied);
    EXPECT_EQ(vm.write(kCpu0, program, VirtualAddress{0x405018}, 1), Error::None);
    EXPECT_EQ(value(VirtualAddress{0x407000}), 0u);
    EXPECT_EQ(vm.call(kCpu0, program, VmCall::Brk, {}).words[1], 0x40b000u);
    EXPECT_EQ(vm.write(kCpu0, program, stack - (4 << 20), 1), Error::None);
    EXPECT_EQ(load().outcome(), Error::Exists);  // and what is there stays
    EXPECT_EQ(value(VirtualAddress{0x401008}), words[0x1008 / 8]);
    ASSERT_EQ(vm.write(kCpu0, loader, image, 0), Error::None);
    const Message refused = load();
    EXPECT_EQ(refused.outcome(), Error::BadExecutable);
    EXPECT_EQ(refused.words[1], static_cast<uint64_t>(ElfReason::Magic));
}

// As an exec does.
TEST_F(Load, AnImageTakesThePlaceOfAnother) {
    prepare(large_file());
    ASSERT_EQ(load().outcome(), Error::None);
    EXPECT_EQ(vm.write(kCpu0, program, VirtualAddress{0x405018}, 1), Error::None);
    EXPECT_EQ(vm.call(kCpu0, loader, VmCall::Procctl, {{0, program.raw(), kProcessClear}}).outcome(), Error::None);
    EXPECT_EQ(vm.execute(kCpu0, program, VirtualAddress{0x401008}), Error::BadAddress);
    const ProcessId old = program;
    prepare(good_file());
    LoadRequest request{};
    request.process = old, request.source = loader, request.image = image, request.image_bytes = file.bytes;
    put(at, &request, sizeof request);
    EXPECT_EQ(load().outcome(), Error::None);
    EXPECT_EQ(vm.read(kCpu0, old, VirtualAddress{0x405018}).release(), words[0x4018 / 8]);
    EXPECT_EQ(vm.call(kCpu0, old, VmCall::Brk, {}).words[1], 0x40b000u) << "the heap is the new image's";
}

TEST_F(Load, OthersAreServedBetweenItsSteps) {
    prepare(large_file());
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(begin(worker).kind, Action::Kind::None);
    const ProcessId other = vm.create(kCpu0);
    const VirtualAddress a = vm.mmap(kCpu0, other, kPageSize).release();
    EXPECT_EQ(vm.write(kCpu0, other, a, 1), Error::None);
    EXPECT_LT(vm.usage(kCpu0, program).resident_pages, 100u);
    Action action;
    unsigned steps = 0;
    while (action.kind == Action::Kind::None && ++steps < 1000) action = work(worker, exchange);
    EXPECT_GT(steps, 10u);
    EXPECT_EQ(exchange.message.outcome(), Error::None);
    for (unsigned page = 0; page < 1000; page += 37) {
        const VirtualAddress address = VirtualAddress{0x405010} + page * kPageSize;
        EXPECT_EQ(value(address), words[(0x4010 + page * kPageSize) / 8]) << page;
    }
}

TEST_F(Load, AFileThatChangesMeanwhileIsRefused) {
    prepare(large_file());
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(begin(worker).kind, Action::Kind::None);
    (void)work(worker, exchange);
    ASSERT_EQ(vm.write(kCpu0, loader, image, 0), Error::None);
    Action action;
    while (action.kind == Action::Kind::None) action = work(worker, exchange);
    EXPECT_EQ(exchange.message.outcome(), Error::BadExecutable);
    EXPECT_EQ(exchange.message.words[1], static_cast<uint64_t>(ElfReason::Magic));
    EXPECT_EQ(vm.exit(kCpu0, program), Error::None);
}

TEST_F(Load, ADestinationThatEndsMeanwhileIsMissed) {
    prepare(large_file());
    WorkerContext worker = vm.context(kCpu0);
    ASSERT_EQ(begin(worker).kind, Action::Kind::None);
    (void)work(worker, exchange);
    ASSERT_EQ(vm.exit(kCpu0, program), Error::None);
}

TEST_F(Load, ArgumentsThatDoNotFitAreRefused) {
    prepare(good_file());
    LoadRequest request{};
    request.process = program, request.source = loader, request.image = image, request.image_bytes = file.bytes;
    request.argument_bytes = LoadRequest::kMaxArgumentBytes + 1;
    put(at, &request, sizeof request);
    EXPECT_EQ(load().outcome(), Error::TooBig);
    request.argument_bytes = 1, request.argument_count = 2;
    put(at, &request, sizeof request);
    EXPECT_EQ(load().outcome(), Error::Invalid) << "one string that is said to be two";
    EXPECT_EQ(vm.usage(kCpu0, program).regions, 1u) << "the one of who asks for it";
}

TEST_F(Load, WithoutMemoryTheDestinationIsGoodForExit) {
    prepare(large_file(), 100);
    EXPECT_EQ(load().outcome(), Error::NoMemory);
    EXPECT_EQ(vm.exit(kCpu0, program), Error::None);
}

}  // namespace
}  // namespace shoal::vm::test
