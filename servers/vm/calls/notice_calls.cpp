// watch_exit, query_exit and notify_sig: how a server hears what becomes of the processes that it keeps something for.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/notices/exit_notices.hpp"

namespace shoal::vm {

Result<void> CallHandlers::watch_exit(const vm_calls::WatchExitArguments& arguments) {
    TRY(caller());
    if (arguments.process == process_) return Error::Invalid;
    return watch_process(context_, process_, arguments.process);
}

Result<vm_calls::QueryExitResults> CallHandlers::query_exit(const vm_calls::QueryExitArguments& arguments) {
    TRY(caller());
    if ((arguments.flags & ~uint64_t{kQueryExitWait}) != 0) return Error::Invalid;
    const bool waits = (arguments.flags & kQueryExitWait) != 0;
    const Notice notice = TRY(take_notice(context_, process_, waits ? Waiter(receipt_) : Waiter()));
    return vm_calls::QueryExitResults{notice.process, static_cast<uint64_t>(notice.what), notice.more ? 1u : 0u};
}

Result<void> CallHandlers::notify_sig(const vm_calls::NotifySigArguments& arguments) {
    return notify_signal(context_, arguments.process, arguments.watcher);
}

}  // namespace shoal::vm
