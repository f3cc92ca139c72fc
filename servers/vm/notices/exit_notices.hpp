// Exit notices: who watches whom, and how the news gets there (Watch).
//
// No lock is held by who calls one of these, and none by these across two watches: those of a process that ends, with whom it watches and is watched
// by, go one by one, since the next one's lock may come before. What was looked up under one slot's lock is looked up again under both.
#pragma once

#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

// Errors: NoProcess (of either), NoMemory. Again: nothing changes. watcher and watched differ.
Result<void> watch_process(WorkerContext& context, ProcessId watcher, ProcessId watched);

struct Notice {
    ProcessId process;
    ExitNotice what = ExitNotice::None;
    bool more = false;
};
// The watcher's oldest news, which is his from then on. None there: DoNotReply, and the waiter goes on when there is; with nobody, None. Errors:
// NoProcess, NoMemory (to wait).
Result<Notice> take_notice(WorkerContext& context, ProcessId watcher, Waiter waiter);

// A process has been sent a signal; watcher: who is told, 0: all who watch it. What it has not heard of yet it hears once. Errors: NoProcess, NoEntry
// (he does not watch it).
Result<void> notify_signal(WorkerContext& context, ProcessId process, ProcessId watcher);

// Two spaces that change places, under both slots' lifecycle locks: who watches, and is watched, is known by its name, which stays.
void swap_watches(Watches& a, Watches& b);

// A space that nobody finds any more, before its slot is vacated: its watchers have the news; its own watches, news and waiting calls end.
void end_watches(WorkerContext& context, Space& space);

}  // namespace shoal::vm
