#include "servers/pm/server.hpp"

#include "abi/pm_calls.hpp"
#include "servers/pm/platform/platform.hpp"

namespace shoal::pm {

Error Server::handle(Message& message) {
    const auto asker = platform::process_of(message.source());
    if (!asker.ok()) return asker.error();
    ProcessRecord* caller = table_.find(asker.value().process);
    if (caller == nullptr) return Error::Permission;
    switch (static_cast<PmCall>(message.type())) {
        case PmCall::Spawn: return spawn(*caller, message);
        case PmCall::Wait: return wait(*caller, message);
        case PmCall::Kill: return kill(*caller, message);
    }
    return Error::NotImplemented;
}

Error Server::spawn(ProcessRecord& caller, Message& message) {
    const Result<Endpoint> child =
        builder_.spawn(caller, message.source(), VirtualAddress{message.words[1]});
    if (!child.ok()) return child.error();
    message.words[1] = child.value().raw();
    return Error::None;
}

Error Server::wait(ProcessRecord& caller, Message& message) {
    const Endpoint wanted{static_cast<uint32_t>(message.words[1])};
    if (ProcessRecord* ended = ProcessTable::find_ended(caller, wanted); ended != nullptr) {
        message.words[1] = ended->endpoint.raw();
        message.words[2] = static_cast<uint64_t>(ended->status);
        reaper_.release(*ended);
        return Error::None;
    }
    if (!ProcessTable::has_living(caller, wanted)) return Error::NoChild;
    if (message.words[2] != 0) return Error::Again;
    table_.add_waiter(caller, message.source(), wanted);
    return Error::DoNotReply;
}

Error Server::kill(ProcessRecord& caller, const Message& message) {
    const Endpoint name{static_cast<uint32_t>(message.words[1])};
    const ProcessRecord* target = table_.find_descendant(caller, name);
    if (target == nullptr) return Error::Permission;
    const Error error = platform::kill_process(target->endpoint, kKilledStatus).error();
    return error == Error::DeadEndpoint ? Error::None : error;  // it is ending already
}

}  // namespace shoal::pm
