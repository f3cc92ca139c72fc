// Child processes: how they end, and that the way shows in their status.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "abi/kernel_info.hpp"
#include "base/address.hpp"
#include "libc-min/process.hpp"
#include "tests/guest/selftest/cases.hpp"

namespace shoal::test {
namespace {


// Volatile, so that the compiler does not see through the fault.
void store_to(volatile char* address) { *address = 1; }

char* map(int protection) {
    return static_cast<char*>(mmap(nullptr, kPageSize, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

volatile uint64_t near_null = 8;  // volatile: the compiler refuses to build what it can see is wrong

int overflow_stack(unsigned depth) {
    volatile char frame[4096];
    frame[0] = static_cast<char>(depth);
    return depth == 0 ? 0 : overflow_stack(depth - 1) + frame[0];
}

Result<EndedChild> run(const char* what) {
    char argument[32];
    snprintf(argument, sizeof argument, "child=%s", what);
    const char* const arguments[] = {"selftest", argument};
    SpawnOptions options;
    options.name = "selftest";
    options.arguments = arguments;
    const Endpoint child = TRY(spawn(options));
    return wait_child(child);
}

void expect_status(Verdict& verdict, const char* what, int64_t status) {
    const Result<EndedChild> ended = run(what);
    if (!ended.ok()) return verdict.fail("child %s: %s", what, error_text(ended.error()));
    if (ended.value().status != status)
        verdict.fail("child %s: status %ld, not %ld", what, ended.value().status, status);
}

void test_kill(Verdict& verdict) {
    const char* const arguments[] = {"selftest", "child=sleep"};
    SpawnOptions options;
    options.name = "selftest";
    options.arguments = arguments;
    const Result<Endpoint> child = spawn(options);
    if (!child.ok()) return verdict.fail("spawn: %s", error_text(child.error()));
    SHOAL_EXPECT(verdict, wait_child(child.value(), WaitMode::Poll).error() == Error::Again);
    SHOAL_EXPECT(verdict, kill_child(child.value()).ok());
    const Result<EndedChild> ended = wait_child(child.value());
    SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == kKilledStatus);
    SHOAL_EXPECT(verdict, wait_child(child.value()).error() == Error::NoChild);
    SHOAL_EXPECT(verdict, kill_child(kPm).error() == Error::Permission);
    SHOAL_EXPECT(verdict, kill_child(kRs).error() == Error::Permission);
}

void test_sharing(Verdict& verdict) {
    auto* shared = reinterpret_cast<std::atomic<uint32_t>*>(map(PROT_READ | PROT_WRITE));
    char argument[48];
    snprintf(argument, sizeof argument, "child=add@%lx", reinterpret_cast<uint64_t>(shared));
    const char* const arguments[] = {"selftest", argument};
    const VirtualRange range =
        VirtualRange::of(VirtualAddress{reinterpret_cast<uint64_t>(shared)}, kPageSize);
    SpawnOptions options;
    options.name = "selftest";
    options.arguments = arguments;
    options.shares = {&range, 1};
    const Result<Endpoint> child = spawn(options);
    if (!child.ok()) return verdict.fail("spawn with a share: %s", error_text(child.error()));
    const Result<EndedChild> ended = wait_child(child.value());
    SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == 0);
    SHOAL_EXPECT(verdict, shared->load(std::memory_order_relaxed) == 1000);
    munmap(shared, kPageSize);
}

void test_bad_spawns(Verdict& verdict) {
    SpawnOptions options;
    options.name = "no-such-program";
    SHOAL_EXPECT(verdict, spawn(options).error() == Error::NoEntry);
    static const char not_an_image[256] = "this is text";
    options.name = "";
    options.image = not_an_image;
    options.image_bytes = sizeof not_an_image;
    SHOAL_EXPECT(verdict, spawn(options).error() == Error::BadExecutable);
    options.image = reinterpret_cast<const void*>(0x10);
    SHOAL_EXPECT(verdict, !spawn(options).ok());
    SHOAL_EXPECT(verdict, wait_child().error() == Error::NoChild);
}

}  // namespace

int run_child(const char* what) {
    const auto is = [what](const char* name) { return strcmp(what, name) == 0; };
    if (is("seven")) return 7;
    if (is("null")) store_to(reinterpret_cast<char*>(near_null));
    if (is("kernel")) store_to(reinterpret_cast<char*>(0xffff'8000'0000'0000));
    if (is("readonly")) store_to(map(PROT_READ));
    if (is("none")) store_to(map(PROT_NONE));
    if (is("text")) store_to(reinterpret_cast<char*>(&run_child));
    if (is("jump")) reinterpret_cast<void (*)()>(map(PROT_READ | PROT_WRITE))();
    if (is("stack")) return overflow_stack(1 << 20);
    if (is("undefined")) asm volatile("ud2");
    if (is("privileged")) asm volatile("hlt");
    if (is("abort")) abort();
    if (is("sleep")) sleep(1000);
    if (strncmp(what, "add@", 4) == 0) {
        auto* shared = reinterpret_cast<std::atomic<uint32_t>*>(strtoul(what + 4, nullptr, 16));
        for (int i = 0; i < 1000; ++i) shared->fetch_add(1, std::memory_order_relaxed);
        return 0;
    }
    if (const int status = run_grant_child(what); status != kNoGrantChild) return status;
    const int status = run_map_child(what);
    return status == kNoMapChild ? 99 : status;
}

void test_children(Verdict& verdict) {
    expect_status(verdict, "seven", 7);
    expect_status(verdict, "abort", 134);
    for (const char* fault : {"null", "kernel", "readonly", "none", "text", "jump", "stack",
                              "undefined", "privileged"})
        expect_status(verdict, fault, kFaultedStatus);
    test_kill(verdict);
    test_sharing(verdict);
    test_bad_spawns(verdict);
}

}  // namespace shoal::test
