// The calls of VmSystem, one operation each.
#include <cstring>

#include "abi/message.hpp"
#include "tests/model/reference/space.hpp"
#include "tests/model/region_digest.hpp"
#include "tests/model/vm_system.hpp"

namespace shoal::model {

using vm::test::FileServer;
using vm::test::Harness;

namespace {

static_assert(kDeviceStart == vm::test::Machine::kDevice.first.address().raw() && kDeviceBytes == vm::test::Machine::kDevice.count * kPageSize);

uint64_t pages_of(const Operation& op) { return round_up_to_pages(op.bytes) >> kPageShift; }

// Of the cached device.
uint64_t file_of(const CacheFlagsOf& flags) {
    constexpr uint64_t kCachedFile = 9;
    return flags.in_file ? kCachedFile : 0;
}

Outcome address_in(const Message& answer) {
    Outcome outcome{answer.outcome()};
    if (outcome.error == Error::None) outcome.address = answer.words[1];
    return outcome;
}

Outcome values_in(const Message& answer, unsigned values) {
    Outcome outcome{answer.outcome()};
    if (outcome.error != Error::None) return outcome;
    outcome.value = answer.words[1];
    if (values > 1) outcome.more = answer.words[2];
    return outcome;
}

}  // namespace

Outcome VmSystem::call(const Operation& op) {
    switch (op.kind) {
        case Kind::Map: return map(op);
        case Kind::Brk: return address_in(make(op, VmCall::Brk, {{0, op.address}}));
        case Kind::Remap: return remap(op);
        case Kind::MapFile: return map_file(op);
        case Kind::MapDevice: return address_in(make(op, VmCall::MapPhys, {{0, 0, kDeviceStart + op.value, op.bytes, op.protection}}));
        case Kind::CacheMap: return map_blocks(op);
        case Kind::News: return take_news(op);
        case Kind::AwaitNews: return await_news(op);
        case Kind::Answer: return take_answer(op);
        case Kind::MemoryControl: return control_memory(op);
        case Kind::Prepare: return prepare(op);
        case Kind::Load: return load(op);
        case Kind::Physical: return values_in(ask_about(VmCall::Getphys, op), 1);
        case Kind::References: return values_in(ask_about(VmCall::Getref, op), 2);
        case Kind::Hold: return hold(op);
        case Kind::LostHold: return find_lost_hold(op);
        case Kind::Regions: return list_regions(op);
        default: return {change(op)};
    }
}

// Calls that answer nothing but an error.
Error VmSystem::change(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const VirtualAddress address{op.address};
    const ProcessId caller = process(op.space);
    switch (op.kind) {
        case Kind::Unmap: return vm_.munmap(cpu, caller, address, op.bytes);
        case Kind::Protect: return vm_.mprotect(cpu, caller, address, op.bytes, op.protection);
        case Kind::DontNeed: return vm_.discard(cpu, caller, address, op.bytes);
        case Kind::Share: return share(op);
        case Kind::Touch: return control(op, kProcessTouch);
        case Kind::Reach: return reach(op);
        case Kind::MapImage: return map_image(op);
        case Kind::FileForget: return files_ == nullptr ? Error::None : files_->forget(kFile, op.value, pages_of(op));
        case Kind::CacheSet: return set_blocks(op);
        case Kind::CacheForget: return forget_blocks(op);
        case Kind::JointMap: return map_joint(op);
        case Kind::JointUnmap: return vm_.unmap_memory(cpu, caller, address);
        case Kind::JointRevoke: return vm_.revoke(cpu, caller, static_cast<uint32_t>(op.value));
        case Kind::UnmapDevice: return make(op, VmCall::UnmapPhys, {{0, 0, op.address}}).outcome();
        case Kind::UnmapShared: return ask_about(VmCall::ShmUnmap, op).outcome();
        case Kind::EndHold: return end_hold(op);
        default: return change_process(op);
    }
}

Error VmSystem::change_process(const Operation& op) {
    const uint64_t subject = process(op.space).raw(), other = process(op.other).raw();
    switch (op.kind) {
        case Kind::Renew: return renew(op);
        case Kind::Fork: return fork(op);
        case Kind::Clear: return clear(op);
        case Kind::Update: return manage(op, VmCall::RsUpdate, {{0, subject, other, op.flags}}).outcome();
        case Kind::WillExit: return manage(op, VmCall::Willexit, {{0, subject}}).outcome();
        case Kind::Rights: return manage(op, VmCall::RsSetPriv, {{0, subject, op.value}}).outcome();
        case Kind::Watch: return make(op, VmCall::WatchExit, {{0, other}}).outcome();
        case Kind::Signal: return manage(op, VmCall::NotifySig, {{0, subject, op.flags == 0 ? other : 0}}).outcome();
        default: return Error::NotImplemented;
    }
}

Outcome VmSystem::map(const Operation& op) {
    const Result<VirtualAddress> mapped = vm_.mmap(CpuId::from(op.worker), process(op.space), op.bytes, op.protection,
                                                   op.flags, VirtualAddress{op.address});
    if (!mapped.ok()) return {mapped.error()};
    Outcome outcome;
    outcome.address = mapped.value().raw();
    if ((op.flags & kMapContiguous) != 0) outcome.value = make(op, VmCall::Getphys, {{0, 0, outcome.address}}).words[1];
    return outcome;
}

Outcome VmSystem::map_file(const Operation& op) {
    const Message arguments{{0, op.address, op.bytes, op.protection, op.flags, kFile, op.value << kPageShift}};
    Outcome outcome = address_in(make(op, VmCall::MmapFile, arguments));
    if (outcome.error != Error::None && files_ == nullptr) outcome.error = Error::NoDevice;  // whatever else is wrong
    return outcome;
}

// The answer goes to pages that may be there or not.
void VmSystem::look(unsigned worker, unsigned space) {
    const CpuId cpu = CpuId::from(worker);
    const ProcessId caller = process(static_cast<uint8_t>(space));
    for (const uint64_t what : {kInfoStats, kInfoUsage})
        (void)vm_.call(cpu, caller, VmCall::Info, {{0, what, caller.raw(), kHeapStart, sizeof(VmStats) + sizeof(VmUsage)}});
}

Error VmSystem::share(const Operation& op) {
    const Message arguments{{0, process(op.space).raw(), op.address, op.bytes, process(op.other).raw()}};
    return make(op, VmCall::Share, arguments).outcome();
}

// What the kernel asks on the way of a copy: again for each leaf.
Error VmSystem::reach(const Operation& op) {
    const VirtualAddress end{op.address + op.bytes};
    if (op.address >= kUserTop || op.bytes > kUserTop - op.address) return Error::BadAddress;
    for (VirtualAddress at{op.address}; at < end; at = at.leaf_down() + kLeafSize) {
        const Error error = vm_.request_memory(CpuId::from(op.worker), process(op.other), process(op.space), at, end - at, kFaultUser | op.flags);
        if (error != Error::None) return error;
    }
    return Error::None;
}

Outcome VmSystem::remap(const Operation& op) {
    const Message arguments{{0, process(op.other).raw(), process(op.space).raw(), op.value, op.address, op.bytes}};
    return address_in(make(op, op.flags == 0 ? VmCall::Remap : VmCall::RemapRo, arguments));
}

// What it caches has to be there.
Error VmSystem::set_blocks(const Operation& op) {
    Operation touch = op;
    touch.flags = kFaultWrite;
    if (const Error error = control(touch, kProcessTouch); error != Error::None) return error;
    const CacheFlagsOf flags = CacheFlagsOf::of(op.flags);
    const uint64_t pages = pages_of(op) | (flags.once ? uint64_t{kCacheOnce} << 32 : 0);
    const Message arguments{{0, op.address, kCachedDevice, op.value << kPageShift, file_of(flags), flags.file_page << kPageShift, pages}};
    return make(op, VmCall::Setcachepage, arguments).outcome();
}

Outcome VmSystem::map_blocks(const Operation& op) {
    const CacheFlagsOf flags = CacheFlagsOf::of(op.flags);
    const Message arguments{{0, kCachedDevice, op.value << kPageShift, file_of(flags), flags.file_page << kPageShift, pages_of(op)}};
    return address_in(make(op, VmCall::Mapcachepage, arguments));
}

Error VmSystem::forget_blocks(const Operation& op) {
    const bool all = op.bytes == 0;
    const Message arguments{{0, kCachedDevice, op.value << kPageShift, pages_of(op)}};
    return make(op, all ? VmCall::Clearcache : VmCall::Forgetcachepage, arguments).outcome();
}

Error VmSystem::control(const Operation& op, uint64_t what) {
    const Message arguments{{0, process(op.space).raw(), what, op.address, op.bytes, op.flags}};
    return make(op, VmCall::Procctl, arguments).outcome();
}

Error VmSystem::clear(const Operation& op) {
    const Error error = control(op, kProcessClear);
    if (error == Error::None) set_heap(process(op.space));
    return error;
}

Error VmSystem::map_joint(const Operation& op) {
    const JointFlags flags = JointFlags::of(op.flags);
    const auto number = static_cast<uint32_t>(flags.grant);
    Harness::MapWish wish{process(op.space), VirtualAddress{op.address}, VirtualAddress{op.value}, op.bytes, static_cast<MapMode>(flags.mode), {}};
    if (flags.passer != JointFlags::kNobody) wish.path.grants[wish.path.length++] = {process(static_cast<uint8_t>(flags.passer)), number};
    wish.path.grants[wish.path.length++] = {process(op.space), number};
    return vm_.map_memory(CpuId::from(op.worker), process(op.other), wish);
}

// The request lies on the manager's desk, which is the file server here; the handle is VM's.
Error VmSystem::map_image(const Operation& op) {
    if (files_ == nullptr) return Error::NoDevice;
    FileMapRequest request{};
    request.process = process(op.space), request.address = VirtualAddress{op.address}, request.bytes = op.bytes;
    request.protection = op.protection, request.clear_bytes = static_cast<uint32_t>(op.flags), request.offset = op.value << kPageShift;
    request.device = FileServer::kDevice, request.inode = kFile, request.handle = kFile + 1000;
    put_on_desk(&request, sizeof request);
    return manage(op, VmCall::VfsMmap, {{0, desk_.raw()}}).outcome();
}

// By the other process.
Message VmSystem::ask_about(VmCall number, const Operation& op) {
    Operation asking = op;
    asking.space = op.other;
    return make(asking, number, {{0, process(op.space).raw(), op.address}});
}

Outcome VmSystem::hold(const Operation& op) {
    const Outcome outcome = values_in(make(op, VmCall::Adddma, {{0, op.address, op.bytes}}), 1);
    if (outcome.error == Error::None) holds_.push_back({process(op.space), outcome.value});
    return outcome;
}

Outcome VmSystem::find_lost_hold(const Operation& op) {
    const Message answer = manage(op, VmCall::Getdma, {});
    Outcome outcome{answer.outcome()};
    if (outcome.error == Error::None) outcome.value = answer.words[2], outcome.more = answer.words[3];
    return outcome;
}

Error VmSystem::end_hold(const Operation& op) {
    if (holds_.empty()) return make(op, VmCall::Deldma, {}).outcome();
    const size_t which = op.value % holds_.size();
    const Error error = make(op, VmCall::Deldma, {{0, holds_[which].process.raw(), holds_[which].physical}}).outcome();
    if (error == Error::None) holds_.erase(holds_.begin() + static_cast<ptrdiff_t>(which));
    return error;
}

// To the manager's desk, as many as fit at a time.
Outcome VmSystem::list_regions(const Operation& op) {
    const CpuId cpu = CpuId::from(op.worker);
    const auto ask = [&](uint64_t what, uint64_t next) {
        return manage(op, VmCall::Info, {{0, what, process(op.space).raw(), desk_.raw(), kPageSize, next}});
    };
    const auto read = [&](uint64_t offset) { return vm_.read(cpu, manager_, desk_ + offset).release(); };
    RegionDigest digest;
    for (uint64_t next = 0; next < kUserTop;) {
        const Message answer = ask(kInfoRegions, next);
        if (answer.outcome() != Error::None) return {answer.outcome()};
        for (uint64_t at = 0; at < answer.words[1] * sizeof(VmRegion); at += sizeof(VmRegion)) {
            const uint64_t kind = read(at + offsetof(VmRegion, type));
            const VirtualRange range{VirtualAddress{read(at)}, VirtualAddress{read(at + sizeof(uint64_t))}};
            const auto flags = static_cast<uint32_t>(kind >> 32);
            digest.add(range, read(at + offsetof(VmRegion, protection)), static_cast<RegionType>(kind & 0xffff'ffff), flags);
        }
        next = answer.words[2];
    }
    if (const Error error = ask(kInfoUsage, 0).outcome(); error != Error::None) return {error};
    if (const Error error = manage(op, VmCall::Getrusage, {{0, process(op.space).raw()}}).outcome(); error != Error::None) return {error};
    Outcome outcome;
    outcome.value = digest.value();
    outcome.more = read(offsetof(VmUsage, virtual_pages));
    return outcome;
}

}  // namespace shoal::model
