// The calls of VmSystem that concern whole processes: their news, what is made ready for updates, and executables.
#include <algorithm>
#include <cstring>

#include "abi/message.hpp"
#include "tests/model/images.hpp"
#include "tests/model/reference/space.hpp"
#include "tests/model/vm_system.hpp"

namespace shoal::model {

using vm::test::Harness;

Outcome VmSystem::news_in(const Message& answer) {
    if (answer.outcome() != Error::None || answer.words[1] == 0) return {answer.outcome()};
    const auto about = static_cast<uint32_t>(answer.words[1]);
    const std::lock_guard guard(places_lock_);
    const uint8_t place = places_.at(about);
    Outcome outcome;
    outcome.value = uint64_t{place} + 1;
    outcome.more = news_word(answer.words[2], answer.words[3] != 0, process(place).raw() != about);
    return outcome;
}

Outcome VmSystem::take_news(const Operation& op) { return news_in(make(op, VmCall::QueryExit, {})); }

Outcome VmSystem::await_news(const Operation& op) {
    const ProcessId caller = process(op.space);
    const Harness::Pending call = vm_.begin_call(CpuId::from(op.worker), caller, VmCall::QueryExit, {{0, kQueryExitWait}});
    vm_.settle();
    if (call.answered()) return news_in(call.answer());
    awaited_.push_back({caller, call});
    Outcome outcome;
    outcome.more = kWaits;
    return outcome;
}

// An operation brings a process one piece of news at most.
void VmSystem::collect_answers() {
    vm_.settle();
    const auto told = std::stable_partition(awaited_.begin(), awaited_.end(), [](const AwaitedNews& wait) { return !wait.call.answered(); });
    answered_.insert(answered_.end(), told, awaited_.end());
    awaited_.erase(told, awaited_.end());
}

Outcome VmSystem::take_answer(const Operation& op) {
    const auto of_space = [&](const AwaitedNews& wait) { return wait.process == process(op.space); };
    const auto first = std::find_if(answered_.begin(), answered_.end(), of_space);
    if (first == answered_.end()) return {};
    const Outcome outcome = news_in(first->call.answer());
    answered_.erase(first);
    return outcome;
}

// Of a process that has ended. False: one waits on.
bool VmSystem::end_waits(ProcessId process) {
    if (awaited_.empty() && answered_.empty()) return true;
    vm_.settle();
    const auto of_process = [&](const AwaitedNews& wait) { return wait.process == process; };
    std::erase_if(answered_, of_process);
    std::erase_if(awaited_, [&](const AwaitedNews& wait) { return of_process(wait) && wait.call.answered(); });
    return std::none_of(awaited_.begin(), awaited_.end(), of_process);
}

Outcome VmSystem::control_memory(const Operation& op) {
    const Message answer = manage(op, VmCall::RsMemctl, {{0, process(op.space).raw(), op.value, op.bytes}});
    Outcome outcome{answer.outcome()};
    if (outcome.error != Error::None) return outcome;
    if (op.value == kMemoryPin || op.value == kMemoryMakeVm) {
        const Present present = count_present(op.space);
        outcome.value = present.to_read, outcome.more = present.to_write;
        return outcome;
    }
    outcome.address = answer.words[1], outcome.value = answer.words[2];
    if (op.value == kMemoryFindMap) return outcome;
    const VirtualRange made{VirtualAddress{round_up_to_pages(outcome.address)}, VirtualAddress{round_up_to_pages(outcome.address + outcome.value)}};
    outcome.more = count_present(op.space, made).to_write;
    return outcome;
}

Outcome VmSystem::prepare(const Operation& op) {
    const Message arguments{{0, process(op.space).raw(), process(op.other).raw(), op.flags}};
    Outcome outcome{manage(op, VmCall::RsPrepare, arguments).outcome()};
    if (outcome.error != Error::None) return outcome;
    const Present one = count_present(op.space), other = count_present(op.other);
    outcome.value = one.to_read + other.to_read, outcome.more = one.to_write + other.to_write;
    return outcome;
}

// What the CPUs find in the tables, once they are linked.
VmSystem::Present VmSystem::count_present(uint8_t space, VirtualRange range) {
    Present present;
    vm_.processes().find(process(space))->leaves.for_each_in(range, [&](vm::Leaf& leaf) {
        const vm::PageSpan span = leaf.pages_of(range);
        for (unsigned page = span.first; page < span.end; ++page) {
            const vm::PageEntry entry = leaf.table().get(page);
            if (!entry.held() && !entry.device()) continue;
            if (!entry.access().is_none()) ++present.to_read;
            if (entry.access().writes()) ++present.to_write;
        }
    });
    return present;
}

void VmSystem::put_on_desk(const void* bytes, uint64_t count) {
    for (uint64_t at = 0; at < count; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, static_cast<const char*>(bytes) + at, sizeof word);
        (void)vm_.write(CpuId::from(0), manager_, desk_ + at, word);
    }
}

Outcome VmSystem::load(const Operation& op) {
    const LoadFlags flags = LoadFlags::of(op.flags);
    const bool known = op.value < images_.size();
    LoadRequest request{};
    request.process = process(op.space), request.source = known ? manager_ : process(op.other);
    request.image = known ? images_[op.value] : VirtualAddress{op.address};
    request.image_bytes = known ? images()[op.value].file.bytes : op.bytes;
    request.argument_count = flags.arguments, request.argument_bytes = flags.bytes;
    const uint64_t bytes = std::min<uint64_t>(flags.bytes, LoadRequest::kMaxArgumentBytes);
    for (uint64_t i = 0; i < bytes; ++i) request.arguments[i] = argument_letter(i, flags.bytes);
    put_on_desk(&request, offsetof(LoadRequest, arguments) + bytes);
    const Message answer = manage(op, VmCall::Load, {{0, desk_.raw()}});
    Outcome outcome{answer.outcome()};
    if (outcome.error == Error::BadExecutable) outcome.more = answer.words[1];
    if (outcome.error == Error::None) outcome.address = answer.words[1], outcome.value = answer.words[2];
    return outcome;
}

}  // namespace shoal::model
