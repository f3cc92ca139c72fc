#include "tests/model/failure/world.hpp"

#include <cstring>
#include <utility>

#include "servers/vm/files/file_desk.hpp"

namespace shoal::model {

VirtualAddress World::map(uint64_t pages, uint64_t flags, VirtualAddress place, uint64_t protection) {
    const uint64_t exactly = place.raw() == 0 ? 0 : uint64_t{kMapFixed};
    return vm.mmap(kCpu0, caller, pages * kPageSize, protection, flags | exactly, place).release();
}

VirtualAddress World::map_filled(uint64_t pages, uint64_t flags, VirtualAddress place) {
    const VirtualAddress start = map(pages, flags, place);
    fill(caller, start, pages);
    return start;
}

void World::fill(ProcessId process, VirtualAddress start, uint64_t pages) {
    for (uint64_t i = 0; i < pages; ++i) {
        const VirtualAddress page = start + i * kPageSize;
        const uint64_t word = page.raw() ^ process.raw() ^ 0x5a5a;
        if (vm.write(kCpu0, process, page, word) == Error::None) words_[{process.raw(), page.raw()}] = word;
    }
}

void World::put(VirtualAddress to, const void* from, uint64_t bytes) {
    for (uint64_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, static_cast<const char*>(from) + i, bytes - i < sizeof word ? bytes - i : sizeof word);
        (void)vm.write(kCpu0, caller, to + i, word);
    }
}

void World::cache(VirtualAddress from, uint64_t pages, uint64_t inode) {
    (void)call(VmCall::Setcachepage, {{0, from.raw(), kDevice, 0, inode, 0, pages}});
}

void World::want_a_file() {
    serve_files();
    files->end();
    client_waits_ = true;
    client_ = std::thread([this] {
        (void)vm.call(kCpu1, other, VmCall::MmapFile, {{0, 0, kPageSize, kProtectRead, kMapPrivate, 5, 0}});
        client_waits_ = false;
    });
    while (wanted_of_server() == 0) std::this_thread::yield();
}

uint64_t World::wanted_of_server() {
    uint64_t requests = 0;
    const std::lock_guard turn(vm.machine.turn(kCpu0));
    vm::WorkerContext worker = vm.context(kCpu0);
    vm.processes().file_desk().for_each(worker.locks(), [&](const vm::FileRequest&) { ++requests; },
                                        [](const vm::Request*) {});
    return requests;
}

// What VM still wants of the file server.
void World::answer_all(ProcessId server) {
    while (client_waits_ || wanted_of_server() > 0) {
        if (wanted_of_server() == 0) {
            std::this_thread::yield();
            continue;
        }
        if (call_of(server, VmCall::VfsWait, {}) != Error::None) continue;
        constexpr auto kRefused = static_cast<uint64_t>(to_register(Error::AccessDenied));
        (void)call_of(server, VmCall::VfsReply, {{0, answer.words[1], kRefused, 0, 0, 0}});
    }
}

void World::end() {
    if (std::exchange(ended_, true)) return;
    if (client_waits_) {  // what the caller has been given, and will not answer, is asked for again
        (void)vm.exit(kCpu0, caller);
        const ProcessId server = vm.create(kCpu0);
        answer_all(server);
        (void)vm.exit(kCpu0, server);
    }
    if (client_.joinable()) client_.join();
    for (uint32_t slot = 0; slot < vm.processes().slots(); ++slot) {
        const vm::Space* space = vm.processes().slot_at(slot).space();
        if (space != nullptr && (files == nullptr || space->process() != files->process())) (void)vm.exit(kCpu0, space->process());
    }
    const ProcessId last = vm.create(kCpu0);
    while (call_of(last, VmCall::Getdma, {}) == Error::None) (void)call_of(last, VmCall::Deldma, {{0, answer.words[1], answer.words[2]}});
    if (files != nullptr) files->end();
    answer_all(last);
    for (const uint64_t device : {kDevice, vm::test::FileServer::kDevice}) (void)call_of(last, VmCall::Clearcache, {{0, device}});
    (void)vm.exit(kCpu0, last);
}

void World::renew_other() {
    (void)vm.exit(kCpu0, other);
    other = vm.create(kCpu1);
}

void World::begin_heap() {
    vm::Space& space = *vm.processes().find(caller);
    space.heap_start = space.heap_end = VirtualAddress{0x60'0000};
}

Error World::call_of(ProcessId process, VmCall number, const Message& arguments) {
    answer = vm.call(kCpu0, process, number, arguments);
    return answer.outcome();
}

Error World::ask_for(VirtualAddress start, uint64_t bytes, uint64_t flags) {
    return vm.request_memory(kCpu0, caller, caller, start, bytes, flags);
}

bool World::remembers() {
    for (const auto& [place, word] : words_) {
        const ProcessId process{place.first};
        const Result<uint64_t> seen = vm.read(kCpu0, process, VirtualAddress{place.second});
        if (!seen.ok() || seen.value() != word) return false;
    }
    return true;
}

void World::forget(VirtualAddress start, uint64_t pages) {
    for (uint64_t i = 0; i < pages; ++i) {
        auto word = words_.extract({caller.raw(), (start + i * kPageSize).raw()});
        if (!word.empty()) forgotten_.insert(std::move(word));
    }
}

void World::forget_all() { forgotten_.merge(words_); }

}  // namespace shoal::model
