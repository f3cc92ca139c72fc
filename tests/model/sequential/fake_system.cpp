#include "tests/model/sequential/fake_system.hpp"

#include <utility>

#include "abi/grant.hpp"
#include "base/assert.hpp"

namespace shoal::model {

// Where what may lie anywhere lies.
uint64_t FakeSystem::place(const Operation& op) {
    const ReferenceSpace& space = reference_.spaces()[op.kind == Kind::Remap ? op.other : op.space];
    const uint64_t bytes = round_up_to_pages(op.bytes);
    if (defect_ == Defect::PlacesTwice && op.kind == Kind::Map && op.worker % 2 == 1) return next_free_;
    while (!space.is_free(next_free_, bytes)) next_free_ += bytes;
    return std::exchange(next_free_, next_free_ + bytes);
}

// Where its memory is; what has to lie low finds place there once.
uint64_t FakeSystem::place_contiguous(const Operation& op) {
    constexpr uint64_t kLow = uint64_t{1} << 16;
    if (contiguous_limit(op.flags) != ~uint64_t{0}) return kLow;
    return next_physical_ += round_up_to_pages(op.bytes) | kMostContiguousBytes;
}

// What is the system's to choose.
Outcome FakeSystem::choose(const Operation& op) {
    Outcome chosen;
    const bool maps = op.kind == Kind::Map || op.kind == Kind::MapFile || op.kind == Kind::MapImage;
    if (op.kind == Kind::Map && (op.flags & kMapContiguous) != 0) chosen.value = place_contiguous(op);
    chosen.more = op.kind == Kind::References ? ++last_identity_ : 0;
    if (op.kind == Kind::LostHold && !reference_.lost_holds().empty()) {
        const ReferenceHolds::Hold hold = reference_.lost_holds().front();
        chosen.value = hold.physical, chosen.more = hold.end() - hold.physical;
    }
    if (maps && op.bytes > uint64_t{1} << 30) chosen.error = Error::NoMemory;
    else if (maps) chosen.address = (op.flags & (kMapFixed | kMapFixedNoReplace)) != 0 ? op.address : place(op);
    else if (op.kind == Kind::Remap && op.bytes < kUserTop) chosen.address = op.value != 0 ? op.value : place(op);
    else if (op.kind == Kind::CacheMap || (op.kind == Kind::MemoryControl && op.value == kMemoryMap && op.bytes < kUserTop)) chosen.address = place(op);
    else if (op.kind == Kind::MapDevice && op.bytes < kUserTop) chosen.address = place(op) + op.value % kPageSize;
    return chosen;
}

// Does something else than was asked for.
void FakeSystem::distort(Operation& op) const {
    if (defect_ == Defect::UnmapsOnePageTooFew && op.kind == Kind::Unmap && op.bytes > 3 * kPageSize) op.bytes -= kPageSize;
    if (defect_ == Defect::IgnoresProtection && op.kind == Kind::Protect && op.protection == kProtectRead) op.protection |= kProtectWrite;
    if (defect_ == Defect::LendsToWriters && op.kind == Kind::JointMap) {
        JointFlags flags = JointFlags::of(op.flags);
        if (flags.mode == static_cast<uint64_t>(MapMode::SharedReadOnly)) flags.mode = static_cast<uint64_t>(MapMode::SharedWritable);
        op.flags = flags.word();
    }
}

bool FakeSystem::changes_nothing(const Operation& op) const {
    switch (defect_) {
        case Defect::KeepsContents: return op.kind == Kind::DontNeed;
        case Defect::LendsForGood: return op.kind == Kind::JointUnmap;
        case Defect::SwapsNothing: return op.kind == Kind::Update;
        case Defect::ForgetsSignals: return op.kind == Kind::Signal;
        case Defect::LoadsNothing: return op.kind == Kind::Load;
        case Defect::PinsNothing: return op.kind == Kind::Prepare;
        case Defect::WakesNobody: return op.kind == Kind::AwaitNews;
        default: return false;
    }
}

Outcome FakeSystem::apply(const Operation& original) {
    const std::lock_guard guard(lock_);
    SHOAL_CHECK(defect_ != Defect::Dies || original.kind != Kind::Protect || original.protection != kProtectNone);
    Operation op = original;
    distort(op);
    const Outcome chosen = choose(op);
    if (changes_nothing(op)) return Reference{reference_}.apply(op, chosen);
    Outcome outcome = reference_.apply(op, chosen);
    if (defect_ == Defect::PlacesTwice && op.kind == Kind::Map && outcome.error == Error::None) outcome.address = chosen.address;
    if (defect_ == Defect::StaleRead && op.kind == Kind::Read && outcome.access == Access::Done) {
        if (op.value % 64 == 0) outcome.value = stale_;
        else stale_ = outcome.value;
    }
    return outcome;
}

}  // namespace shoal::model
