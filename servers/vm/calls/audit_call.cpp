// audit: with all other workers standing still.
#include "servers/vm/audit/audit.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/platform/platform.hpp"

namespace shoal::vm {

Result<vm_calls::AuditResults> CallHandlers::audit(const vm_calls::AuditArguments&) {
    Rendezvous& rendezvous = context_.processes.rendezvous();
    while (!rendezvous.hold(context_.cpu())) rendezvous.join(context_.locks());
    for (uint32_t cpu = 0; cpu < context_.processes.cpus(); ++cpu)
        if (CpuId::from(cpu) != context_.cpu()) platform::call_worker(CpuId::from(cpu));
    rendezvous.wait_for(context_.locks(), context_.processes.cpus() - 1);
    AuditReport report;
    audit_everything(context_, report);
    rendezvous.let_go();
    return vm_calls::AuditResults{report.found(), report.frames_checked};
}

}  // namespace shoal::vm
