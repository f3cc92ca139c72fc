#include "tests/model/sequential/pair.hpp"

#include "abi/memory.hpp"
#include "abi/message.hpp"

namespace shoal::model {

namespace {

// In memory that is used here and there, more may not be found side by side, however much of it is free.
constexpr uint64_t kSurelyNeighbours = 16 * kPageSize;

}  // namespace

Pair::Pair(std::unique_ptr<System> system) : system_(std::move(system)), spaces_(system_->spaces()) {}

std::string Pair::apply(const Operation& op) {
    const Outcome seen = system_->apply(op);
    if (ran_out(*system_, seen)) return settle_shortage(op);
    ReferenceSpace& space = spaces_[op.space];
    switch (op.kind) {
        case Kind::Map: return compare_map(op, seen);
        case Kind::Unmap: return compare_error(op, seen, space.unmap(op));
        case Kind::Protect: return compare_error(op, seen, space.protect(op));
        case Kind::DontNeed: return compare_error(op, seen, space.dont_need(op));
        case Kind::Share: return compare_share(op, seen);
        case Kind::Remap: return compare_remap(op, seen);
        case Kind::MapFile: return compare_map_file(op, seen);
        case Kind::FileForget: return compare_error(op, seen, Error::None);
        case Kind::CacheSet: return compare_cache_set(op, seen);
        case Kind::CacheMap: return compare_cache_map(op, seen);
        case Kind::CacheForget: return compare_error(op, seen, cache_.forget(op));
        case Kind::Read:
        case Kind::Write:
        case Kind::Execute: return compare_access(op, seen);
        case Kind::Renew: space.clear(); return compare_error(op, seen, Error::None);
        case Kind::Fork: return compare_fork(op, seen);
        case Kind::Clear: space.clear(); return compare_error(op, seen, Error::None);
        case Kind::Touch: return compare_error(op, seen, space.touch(op));
        case Kind::Brk: return compare_brk(op, seen);
    }
    return {};
}

// Nothing has changed, except that spaces which `share` or `fork` left half-way are good for exit only; of pages that were to be cached some may be.
std::string Pair::settle_shortage(const Operation& op) {
    if (op.kind == Kind::Renew) return "no memory for a space";
    if (op.kind != Kind::Share && op.kind != Kind::Fork && op.kind != Kind::CacheSet) return {};
    if (op.kind == Kind::CacheSet) {
        Operation forget = op;
        forget.kind = Kind::CacheForget;
        if (std::string what = compare_error(forget, system_->apply(forget), cache_.forget(forget)); !what.empty()) return what;
    }
    for (const uint8_t which : {op.space, op.other}) {
        if (which == (op.kind == Kind::Fork ? op.space : op.other) && op.kind != Kind::Share) continue;
        Operation renew;
        renew.kind = Kind::Renew;
        renew.space = which;
        spaces_[which].clear();
        if (std::string what = compare_error(renew, system_->apply(renew), Error::None); !what.empty()) return what;
    }
    return {};
}

std::string Pair::compare_brk(const Operation& op, const Outcome& seen) {
    const Outcome expected = spaces_[op.space].brk(op);
    if (seen.error == expected.error && (seen.error != Error::None || seen.address == expected.address)) return {};
    return "expected" + model::describe(op, expected);
}

std::string Pair::audit() {
    const uint64_t found = system_->audit();
    return found == 0 ? std::string{} : "the audit found " + std::to_string(found) + " faults";
}

std::string Pair::compare_map(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error expected = space.check_map(op);
    if ((op.flags & kMapContiguous) != 0) cache_.call_in();  // where no neighbours are free, however much else is
    if (expected != Error::None || seen.error != Error::None) {
        // A map that is right may be larger than memory or quota allow to describe, or than any neighbours that are still free.
        const uint64_t most = (op.flags & kMapContiguous) != 0 ? kSurelyNeighbours : uint64_t{1} << 40;
        const bool too_large = op.bytes > most && seen.error == Error::NoMemory;
        return too_large ? std::string{} : compare_error(op, seen, expected);
    }
    if (!space.map_fits(op, seen.address)) return "this address is not free or not as asked";
    space.map(op, seen.address);
    return {};
}

std::string Pair::compare_map_file(const Operation& op, const Outcome& seen) {
    ReferenceSpace& space = spaces_[op.space];
    const Error expected = system_->serves_files() ? space.check_map_file(op) : Error::NoDevice;
    if (expected != Error::None || seen.error != Error::None) {
        const bool too_large = op.bytes > uint64_t{1} << 40 && seen.error == Error::NoMemory;
        return too_large ? std::string{} : compare_error(op, seen, expected);
    }
    if (!space.map_fits(op, seen.address)) return "this address is not free or not as asked";
    space.map_file(op, seen.address);
    return {};
}

std::string Pair::compare_share(const Operation& op, const Outcome& seen) {
    ReferenceSpace& source = spaces_[op.space];
    ReferenceSpace& destination = spaces_[op.other];
    if (const Error error = check_range(op.address, op.bytes); error != Error::None)
        return compare_error(op, seen, error);
    if (op.space == op.other) return compare_error(op, seen, Error::Invalid);
    if (!source.can_share_from(op)) return compare_error(op, seen, Error::BadAddress);
    if (!destination.is_free(op.address, round_up_to_pages(op.bytes)))
        return compare_error(op, seen, Error::Exists);
    destination.share_from(source, op);
    return compare_error(op, seen, Error::None);
}

std::string Pair::compare_remap(const Operation& op, const Outcome& seen) {
    const ReferenceSpace& source = spaces_[op.space];
    ReferenceSpace& destination = spaces_[op.other];
    if (const Error error = check_range(op.address, op.bytes); error != Error::None) return compare_error(op, seen, error);
    const uint64_t bytes = round_up_to_pages(op.bytes);
    const bool possible = op.value % kPageSize == 0 && op.value >= kLowestMap && op.value < kUserTop && bytes <= kUserTop - op.value;
    if (op.value != 0 && !possible) return compare_error(op, seen, Error::Invalid);
    if (const Error error = source.check_remap(op); error != Error::None) return compare_error(op, seen, error);
    if (op.value != 0 && !destination.is_free(op.value, bytes)) return compare_error(op, seen, Error::Exists);
    if (seen.error != Error::None) return compare_error(op, seen, Error::None);
    if (op.value != 0 ? seen.address != op.value : !destination.is_free(seen.address, bytes)) return "this address is not free or not as asked";
    destination.remap_from(source, op, seen.address);
    return {};
}

std::string Pair::compare_cache_set(const Operation& op, const Outcome& seen) {
    Operation touch = op;
    touch.flags = kFaultWrite;
    if (const Error error = spaces_[op.space].touch(touch); error != Error::None) return compare_error(op, seen, error);
    return compare_error(op, seen, cache_.set(spaces_[op.space], op));
}

std::string Pair::compare_cache_map(const Operation& op, const Outcome& seen) {
    const Error expected = cache_.check_map(op);
    const bool in_doubt = system_->may_run_out() || cache_.may_have_given_way(op);
    if (expected == Error::None && seen.error == Error::NoEntry && in_doubt) return {};
    if (seen.error != Error::None || expected != Error::None) return compare_error(op, seen, expected);
    if (!spaces_[op.space].is_free(seen.address, round_up_to_pages(op.bytes))) return "this address is not free";
    cache_.map(spaces_[op.space], op, seen.address);
    return {};
}

std::string Pair::compare_fork(const Operation& op, const Outcome& seen) {
    if (op.space == op.other) return compare_error(op, seen, Error::Invalid);
    spaces_[op.other].copy_from(spaces_[op.space]);
    return compare_error(op, seen, Error::None);
}

std::string Pair::compare_error(const Operation&, const Outcome& seen, Error expected) {
    if (seen.error == expected) return {};
    return std::string{"expected "} + error_text(expected) + ", seen " + error_text(seen.error);
}

std::string Pair::compare_access(const Operation& op, const Outcome& seen) {
    const Outcome expected = spaces_[op.space].access(op);
    if (seen.access == expected.access && seen.value == expected.value) return {};
    return "expected" + model::describe(op, expected);
}

}  // namespace shoal::model
