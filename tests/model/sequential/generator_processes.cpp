// What the operations that concern whole processes are asked with.
#include <algorithm>

#include "abi/memory.hpp"
#include "tests/model/images.hpp"
#include "tests/model/sequential/generator.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kMostPinned = 5'000;  // pages of a process, so that memory does not end where all that eight of them have mapped is made present

}  // namespace

// Half of the new ones have begun just before.
void Generator::choose_update(Operation& op) {
    constexpr uint64_t kUsual[] = {0, 0, 0, kUpdateRollback, kUpdateNoMaps, kUpdateNoMaps};
    op.flags = one_in(40) ? below(8) : kUsual[below(std::size(kUsual))];
    if (op.flags != 0 || op.space == op.other || one_in(2)) return;
    planned_ = op;
    op.kind = Kind::Renew;
    op.space = op.other;
}

// All of them again, or all but a few.
void Generator::choose_rights(Operation& op, const ReferenceSpace& space) {
    constexpr VmCall kCalls[] = {VmCall::Fork,         VmCall::Mmap,            VmCall::Adddma,     VmCall::Deldma,  VmCall::Mapcachepage,
                                 VmCall::Setcachepage, VmCall::Forgetcachepage, VmCall::Clearcache, VmCall::Remap,   VmCall::ShmUnmap,
                                 VmCall::Getphys,      VmCall::Getref,          VmCall::QueryExit,  VmCall::RemapRo, VmCall::WatchExit,
                                 VmCall::Procctl,      VmCall::Share};
    op.value = ReferenceSpace::kAllRights;
    if (space.rights != ReferenceSpace::kAllRights && !one_in(4)) return;
    for (unsigned i = 0; i < 3; ++i) op.value &= ~(uint64_t{1} << static_cast<unsigned>(kCalls[below(std::size(kCalls))]));
}

// Some of what the process has goes.
void Generator::choose_less(Operation& op, const ReferenceSpace& space) {
    op.kind = Kind::Unmap;
    op.address = space.page_near(place());
    op.bytes = std::min(kSpan, kUserTop - op.address);
}

void Generator::choose_prepare(Operation& op, const Reference& reference) {
    op.flags = one_in(40) ? below(4) : one_in(4) ? uint64_t{kUpdateNoMaps} : 0;
    const ReferenceSpace &source = reference.spaces()[op.space], &destination = reference.spaces()[op.other];
    const bool begins = op.flags == 0 && op.space != op.other && one_in(2);
    const uint64_t heap_end = begins ? kHeapStart : destination.heap_end();
    const uint64_t more_heap = source.heap_end() > heap_end ? (source.heap_end() - heap_end) / kPageSize : 0;
    if (source.mapped_pages() + more_heap + (begins ? 0 : destination.mapped_pages()) > kMostPinned) return choose_less(op, source);
    if (!begins) return;
    planned_ = op;
    op.kind = Kind::Renew;
    op.space = op.other;
}

void Generator::choose_memory_control(Operation& op, const ReferenceSpace& space) {
    constexpr uint64_t kUsual[] = {kMemoryPin, kMemoryMakeVm, kMemoryExtendHeap, kMemoryMap, kMemoryMap, kMemoryFindMap};
    op.value = one_in(60) ? kMemoryFindMap + below(3) : kUsual[below(std::size(kUsual))];
    if (op.bytes > kUserTop) op.bytes = kUserTop + below(2);
    if (op.value == kMemoryExtendHeap) op.bytes = one_in(20) ? kHeapLimit : op.bytes % (64 * kPageSize);
    const bool pins = op.value == kMemoryPin || op.value == kMemoryMakeVm;
    if (pins && space.mapped_pages() > kMostPinned) choose_less(op, space);
}

// Half of them into a process without anything.
void Generator::choose_load(Operation& op, const ReferenceSpace& space) {
    op.value = below(images().size() + 2);
    const uint64_t bytes = one_in(4) ? below(LoadRequest::kMaxArgumentBytes + (one_in(4) ? 9 : 1)) : below(20);
    op.flags = LoadFlags{one_in(20) ? below(3) : bytes > 0 ? 1u : 0u, bytes}.word();
    if (one_in(2) || !space.may(VmCall::Procctl)) return;
    planned_ = op;
    op.kind = Kind::Clear;
}

// A few of each process.
void Generator::choose_wait(Operation& op, const Reference& reference) {
    constexpr unsigned kMost = 3;
    if (reference.waiting(op.space) >= kMost) op.kind = Kind::Answer;
}

}  // namespace shoal::model
