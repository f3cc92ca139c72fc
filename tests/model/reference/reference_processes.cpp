// The part of the reference that is about processes: their beginnings and ends, and who hears of them.
#include <utility>

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
    if (joint_.concerns(names_[op.space]) || joint_.concerns(names_[op.other])) return Error::Busy;
    if (op.flags == 0) inherit(spaces_[op.space], spaces_[op.other]);
    std::swap(spaces_[op.space], spaces_[op.other]);
    return Error::None;
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

Outcome Reference::tell_news(const Operation& op) {
    const ReferenceNotices::News news = notices_.take(names_[op.space]);
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
    joint_.end(ended);
    notices_.end(ended);
    names_[space] = ProcessPlace::of(ended).next();
    for (uint8_t owner = 0; owner < spaces_.size(); ++owner) joint_.orphan(party(owner), ended);
}

}  // namespace shoal::model
