#include "tests/model/sequential/pair.hpp"

#include "abi/memory.hpp"

namespace shoal::model {

Pair::Pair(std::unique_ptr<System> system)
    : system_(std::move(system)), reference_(system_->spaces(), {system_->serves_files(), system_->may_run_out()}) {}

std::string Pair::apply(const Operation& op) {
    if (reference_.is_open(op)) return {};
    const Outcome seen = system_->apply(op);
    if (ran_out(*system_, seen)) return settle_shortage(op);
    const Outcome expected = reference_.apply(op, seen);
    return seen == expected ? std::string{} : "expected" + describe(op, expected) + "\nseen" + describe(op, seen);
}

std::string Pair::renew(uint8_t space) {
    Operation renew;
    renew.kind = Kind::Renew;
    renew.space = space;
    return apply(renew);
}

namespace {

// Whom an operation that finds no memory may leave good for exit only, or with pages that are joint or not.
std::vector<uint8_t> left_half_way(const Reference& reference, const Operation& op) {
    switch (op.kind) {
        case Kind::Fork:
        case Kind::Update: return {op.other};
        case Kind::CacheSet:
        case Kind::Load:
        case Kind::JointUnmap: return {op.space};
        case Kind::MemoryControl: return op.value == kMemoryPin || op.value == kMemoryMakeVm ? std::vector{op.space} : std::vector<uint8_t>{};
        case Kind::Share:
        case Kind::Prepare:
        case Kind::JointMap: return {op.space, op.other};
        case Kind::JointRevoke: return reference.owners_by(op);
        default: return {};
    }
}

}  // namespace

// Nothing has changed, except for spaces that were left half-way; of pages that were to be cached some may be.
std::string Pair::settle_shortage(const Operation& op) {
    if (op.kind == Kind::Renew) return "no memory for a space";
    if (op.kind == Kind::CacheSet) {
        Operation forget = op;
        forget.kind = Kind::CacheForget;
        if (std::string what = apply(forget); !what.empty()) return what;
    }
    for (const uint8_t space : left_half_way(reference_, op))
        if (std::string what = renew(space); !what.empty()) return what;
    return {};
}

std::string Pair::read_all(uint8_t space) {
    Operation read;
    read.space = space;
    std::vector<Operation> reads;
    reference_.spaces()[space].for_each([&](uint64_t address, const Page& page) {
        for (uint8_t word = 0; word < kWordsUsed; ++word) {
            read.address = address;
            read.word = word;
            if ((*page.contents)[word] != 0 && page.file_page == kNoFile) reads.push_back(read);  // what is a file's would have to be read first
        }
    });
    for (const Operation& op : reads)
        if (std::string what = apply(op); !what.empty()) return what;
    return {};
}

std::string Pair::list_regions(uint8_t space) {
    Operation list;
    list.kind = Kind::Regions;
    list.space = space;
    return apply(list);
}

std::string Pair::audit() {
    for (uint8_t space = 0; space < system_->spaces(); ++space)
        if (std::string what = read_all(space); !what.empty()) return what;
    for (uint8_t space = 0; space < system_->spaces(); ++space)
        if (std::string what = list_regions(space); !what.empty()) return what;
    const uint64_t found = system_->audit();
    return found == 0 ? std::string{} : "the audit found " + std::to_string(found) + " faults";
}

}  // namespace shoal::model
