// The part of the reference that is about processes: their beginnings and ends, and who hears of them.
#include <utility>

#include "tests/model/reference/image.hpp"
#include "tests/model/reference/preparation.hpp"
#include "tests/model/reference/reference.hpp"
#include "tests/model/reference/update.hpp"

namespace shoal::model {

Error Reference::fork(const Operation& op) {
    if (op.space != op.other) renew(op.other);
    if (!spaces_[op.space].may(VmCall::Fork)) return Error::CallDenied;
    if (leaving(op)) return Error::NoProcess;
    if (op.space == op.other) return Error::Invalid;
    spaces_[op.other].copy_from(spaces_[op.space]);
    return Error::None;
}

// What each is goes on under the other's name.
Error Reference::update(const Operation& op) {
    constexpr uint64_t kKnown = kUpdateRollback | kUpdateNoMaps;
    if ((op.flags & ~kKnown) != 0) return Error::Invalid;
    if (leaving(op)) return Error::NoProcess;
    if (op.space == op.other) return Error::Invalid;
    if (op.flags == 0 && find_preallocated(spaces_[op.other]).value != 0) return Error::NotImplemented;
    if (joint_.concerns(names_[op.space]) || joint_.concerns(names_[op.other])) return Error::Busy;
    if (op.flags == 0) inherit(spaces_[op.space], spaces_[op.other]);
    std::swap(spaces_[op.space], spaces_[op.other]);
    return Error::None;
}

Outcome Reference::prepare(const Operation& op) {
    ReferenceSpace &source = spaces_[op.space], &destination = spaces_[op.other];
    if ((op.flags & ~uint64_t{kUpdateNoMaps}) != 0) return {Error::Invalid};
    if (leaving(op)) return {Error::NoProcess};
    if (op.space == op.other) return {Error::Invalid};
    Outcome outcome{extend_heap_alike(source, destination)};
    if (outcome.error != Error::None) return outcome;
    if (op.flags == 0) inherit(source, destination);
    for (ReferenceSpace* space : {&source, &destination}) pin(*space, outcome);
    return outcome;
}

Outcome Reference::control_memory(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    if (space.leaving) return {Error::NoProcess};
    const bool allocates = op.value == kMemoryExtendHeap || op.value == kMemoryMap;
    if (allocates && op.bytes == 0) return {Error::Invalid};
    if (allocates && op.bytes > kUserTop) return {Error::NoMemory};
    Outcome outcome;
    switch (op.value) {
        case kMemoryPin: pin(space, outcome); return outcome;
        case kMemoryMakeVm: return succeed_vm(op);
        case kMemoryExtendHeap: return extend_heap(space, op.bytes);
        case kMemoryMap: return map_ahead(space, op, seen);
        case kMemoryFindMap: return find_preallocated(space);
        default: return {Error::Invalid};
    }
}

// Where maps that may lie anywhere are placed.
Outcome Reference::map_ahead(ReferenceSpace& space, const Operation& op, const Outcome& seen) {
    if (find_preallocated(space).value != 0) return {Error::Exists};
    Outcome outcome;
    outcome.value = round_up_to_pages(op.bytes);
    if (outcome.value > kSlices - kHeapLimit) return {Error::NoMemory};
    const bool fits = seen.address % kPageSize == 0 && seen.address >= kHeapLimit && space.is_free(seen.address, outcome.value);
    outcome.address = fits ? seen.address : ~uint64_t{0};
    outcome.more = outcome.value / kPageSize;
    if (fits) preallocate(space, seen.address, outcome.value);
    return outcome;
}

// There is one at most, as long as it lives.
Outcome Reference::succeed_vm(const Operation& op) {
    if (!spaces_[op.space].server) return {Error::Permission};
    const bool another = successor_ != 0 && successor_ != names_[op.space] && names_[ProcessPlace::of(successor_).place] == successor_;
    if (another) return {Error::Permission};
    successor_ = names_[op.space];
    Outcome outcome;
    pin(spaces_[op.space], outcome);
    return outcome;
}

Outcome Reference::load(const Operation& op) {
    ReferenceSpace& space = spaces_[op.space];
    const LoadFlags arguments = LoadFlags::of(op.flags);
    if (arguments.bytes > LoadRequest::kMaxArgumentBytes) return {Error::TooBig};
    if (space.leaving) return {Error::NoProcess};
    if (op.value >= images().size()) return refuse_as_image(spaces_[op.other], op.address, op.bytes);
    const Image& image = images()[op.value];
    Outcome outcome{check_load(space, image, arguments)};
    if (outcome.error == Error::BadExecutable) outcome.more = static_cast<uint64_t>(image.reason);
    return outcome.error == Error::None ? model::load(space, image, arguments) : outcome;
}

Error Reference::watch(const Operation& op) {
    if (op.space == op.other) return Error::Invalid;
    notices_.watch(names_[op.space], names_[op.other]);
    return Error::None;
}

Error Reference::signal(const Operation& op) {
    if (op.flags == 0) return notices_.signal(names_[op.space], names_[op.other]);
    notices_.signal_all(names_[op.space]);
    return Error::None;
}

Outcome Reference::await_news(const Operation& op) {
    ReferenceNotices::News news;
    Outcome outcome;
    outcome.more = kWaits;
    return notices_.await(names_[op.space], news) ? tell_news(news) : outcome;
}

Outcome Reference::tell_news(const ReferenceNotices::News& news) const {
    if (news.process == 0) return {};
    const uint64_t place = ProcessPlace::of(news.process).place;
    Outcome outcome;
    outcome.value = place + 1;
    outcome.more = news_word(static_cast<uint64_t>(news.what), news.more, names_[place] != news.process);
    return outcome;
}

// First the others learn of it: what is left with them is no longer the source's.
void Reference::renew(uint8_t space) {
    const ProcessName ended = names_[space];
    spaces_[space] = {};
    spaces_[space].server = begins_as_server(space);
    joint_.end(ended);
    notices_.end(ended);
    names_[space] = ProcessPlace::of(ended).next();
    for (uint8_t owner = 0; owner < spaces_.size(); ++owner) joint_.orphan(party(owner), ended);
}

}  // namespace shoal::model
