#include "tests/model/sequential/pair.hpp"

#include "abi/memory.hpp"

namespace shoal::model {

Pair::Pair(std::unique_ptr<System> system)
    : system_(std::move(system)), reference_(system_->spaces(), {system_->serves_files(), system_->may_run_out()}) {}

namespace {

// What is wrong with what the space pays for after another's operation.
std::string judge_payment(const Operation& op, const Outcome& seen, const Payment& before, const Payment& after) {
    if (!is_at_anothers_cost(op) || after.limit == 0) return {};
    if (!may_have_paid(before, after)) return "of " + std::to_string(after.limit) + " pages it pays for " + std::to_string(after.pages) + describe(op, seen);
    const bool refused = op.kind == Kind::Reach && seen.error == Error::NoMemory;  // of a map who has it may have no quota
    return refused && !may_have_refused(after) ? "it would pay for that" + describe(op, seen) : std::string{};
}

}  // namespace

std::string Pair::apply(const Operation& op) {
    if (reference_.is_open(op)) return {};
    const Payment before = system_->payment(op.space);
    const Outcome seen = system_->apply(op);
    const std::string wrong = judge_payment(op, seen, before, system_->payment(op.space));
    return wrong.empty() ? compare(op, seen) : wrong;
}

std::string Pair::compare(const Operation& op, const Outcome& seen) {
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
