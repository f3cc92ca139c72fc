// Updates a server while it is in use: two versions change places over and over, back and forth. No call is lost, none is served twice, and each is
// answered under the name that was called. Needs rs.role=manager.
#include <pthread.h>

#include <atomic>

#include "abi/kernel_call_stubs.hpp"
#include "abi/memory.hpp"
#include "abi/vm_call_stubs.hpp"
#include "libc-min/system/kernel_facts.hpp"
#include "tests/guest/updater/instance.hpp"
#include "tests/guest/verdict.hpp"

namespace shoal::test {
namespace {

constexpr unsigned kClients = 2, kUpdates = 40;
constexpr VirtualAddress kPlace{uint64_t{1} << 45};
constexpr uint64_t kSpareBytes = 3 * kPageSize;

std::atomic<bool> done{false};
std::atomic<uint64_t> calls{0}, errors{0}, strangers{0};

void* use(void* server) {
    const auto& instance = *static_cast<const Instance*>(server);
    while (!done) {
        const Result<InstanceAnswer> answer = instance.call(InstanceCall::Serve);
        ++calls;
        if (!answer.ok()) ++errors;
        else if (answer.value().first != 1 && answer.value().first != 2) ++strangers;
    }
    return nullptr;
}

// The spare one is prepared.
Result<void> swap(const Instance& server, const Instance& spare, uint64_t flags) {
    TRY(server.call(InstanceCall::Prepare));
    TRY(server.stop());
    TRY(spare.stop());
    TRY(vm_calls::rs_update(server.process(), spare.process(), flags));
    TRY(server.resume());
    TRY(spare.resume());
    TRY(server.call(InstanceCall::Go));
    return {};
}

// Under whose name the new version is; what the old one has mapped it has, too.
void check_inheritance(Verdict& verdict, const Instance& server, const Instance& spare) {
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Map, kPlace.raw(), 77).ok());
    SHOAL_EXPECT(verdict, vm_calls::rs_update(server.process(), spare.process(), 0).error() == Error::Busy);
    SHOAL_EXPECT(verdict, swap(server, spare, 0).ok());
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Report).value().first == 2);
    SHOAL_EXPECT(verdict, spare.call(InstanceCall::Report).value().first == 1);  // its maker it hears
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Read, kPlace.raw()).value().first == 77);
    SHOAL_EXPECT(verdict, swap(server, spare, kUpdateRollback).ok());
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Report).value().first == 1);
}

// After that the instances' own memory is present, and the new one has the old one's maps before the update.
void check_preparation(Verdict& verdict, const Instance& server, const Instance& spare) {
    SHOAL_EXPECT(verdict, vm_calls::rs_prepare(server.process(), spare.process(), 0).ok());
    SHOAL_EXPECT(verdict, spare.call(InstanceCall::Read, kPlace.raw()).value().first == 77);
    const Result<vm_calls::RsMemctlResults> made = vm_calls::rs_memctl(spare.process(), kMemoryMap, kSpareBytes);
    SHOAL_EXPECT(verdict, made.ok() && made.value().bytes == kSpareBytes);
    SHOAL_EXPECT(verdict, vm_calls::rs_update(server.process(), spare.process(), 0).error() == Error::NotImplemented);
    SHOAL_EXPECT(verdict, swap(server, spare, kUpdateNoMaps).ok());
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Report).value().first == 2);
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Read, kPlace.raw()).value().first == 77);
    const Result<vm_calls::RsMemctlResults> found = vm_calls::rs_memctl(server.process(), kMemoryFindMap, 0);
    SHOAL_EXPECT(verdict, found.ok() && made.ok() && found.value().address == made.value().address);
    SHOAL_EXPECT(verdict, swap(server, spare, kUpdateRollback).ok());
    const Result<vm_calls::RsMemctlResults> heap = vm_calls::rs_memctl(server.process(), kMemoryExtendHeap, kSpareBytes);
    const Result<vm_calls::RsMemctlResults> more = vm_calls::rs_memctl(server.process(), kMemoryExtendHeap, kSpareBytes);
    SHOAL_EXPECT(verdict, heap.ok() && more.ok() && more.value().address == heap.value().address + kSpareBytes);
    SHOAL_EXPECT(verdict, vm_calls::rs_memctl(server.process(), kMemoryPin, 0).ok());
    SHOAL_EXPECT(verdict, vm_calls::rs_memctl(server.process(), kMemoryMakeVm, 0).error() == Error::Permission);
}

void update_in_use(Verdict& verdict, const Instance& server, const Instance& spare) {
    pthread_t clients[kClients];
    for (pthread_t& client : clients)
        SHOAL_EXPECT(verdict, pthread_create(&client, nullptr, use, const_cast<Instance*>(&server)) == 0);
    for (unsigned i = 0; i < kUpdates; ++i) {
        const uint64_t before = calls;
        SHOAL_EXPECT(verdict, swap(server, spare, i % 2 == 0 ? kUpdateNoMaps : kUpdateRollback).ok());
        while (calls < before + 100 && errors == 0) (void)kernel_calls::thread_yield();
    }
    done = true;
    for (const pthread_t client : clients) (void)pthread_join(client, nullptr);
    SHOAL_EXPECT(verdict, errors == 0);
    SHOAL_EXPECT(verdict, strangers == 0);
    const uint64_t served = server.call(InstanceCall::Report).value().second + spare.call(InstanceCall::Report).value().second;
    SHOAL_EXPECT(verdict, served == calls);
    SHOAL_EXPECT(verdict, server.call(InstanceCall::Report).value().second > 0 && spare.call(InstanceCall::Report).value().second > 0);
}

void run(Verdict& verdict) {
    const uint64_t cpus = kernel_facts().cpus;
    const Result<Instance> server = Instance::start(1, 1 % cpus), spare = Instance::start(2, 2 % cpus);
    if (!server.ok() || !spare.ok()) return verdict.fail("no instances: %u, %u", unsigned(server.error()), unsigned(spare.error()));
    SHOAL_EXPECT(verdict, server.value().call(InstanceCall::Go).ok());
    // Who is stopped before his first receive would be in the middle of something: Busy.
    SHOAL_EXPECT(verdict, spare.value().call(InstanceCall::Report).ok());
    check_inheritance(verdict, server.value(), spare.value());
    check_preparation(verdict, server.value(), spare.value());
    update_in_use(verdict, server.value(), spare.value());
    SHOAL_EXPECT(verdict, server.value().end().ok());
    SHOAL_EXPECT(verdict, spare.value().end().ok());
}

}  // namespace
}  // namespace shoal::test

int main() {
    shoal::test::Verdict verdict("updater");
    shoal::test::run(verdict);
    return verdict.finish();
}
