// How a manager hears of the end of its processes, and takes them: process_reap.
//
// A process that has stopped sends its notice to the home of its manager's first thread, which puts it among the manager's stopped children and only then
// notifies. So a manager that comes for one of them is not given another whose notice is still on its way, whose slots it could not release.
// RS stands in for a manager that has ended, before or after that.
#pragma once

#include "kernel/core/objects/process_lock.hpp"

namespace shoal::kernel {

struct StoppedProcess {
    Endpoint endpoint;
    ProcessId process;
    int64_t status;
};

// Of one that has stopped. Where there is no RS, nobody hears of it.
void tell_manager(Process& stopped);
// The manager has stopped: those that it has not taken are RS'.
void pass_on_children(Process& manager, const ProcessHeld&);
// Mail::ManagerNotice.
void on_manager_notice(Cpu& cpu, MailNode& notice);

// The oldest. NoChild: no notice of another one has arrived.
Result<StoppedProcess> reap_process(Cpu& cpu, Process& manager);

}  // namespace shoal::kernel
