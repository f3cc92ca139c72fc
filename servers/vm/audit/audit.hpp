// The audit: holds every structure against every other while no worker runs: regions, runs, tables, counts, objects, requests,
// quotas, and each frame against its owner.
#pragma once

#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class AuditReport {
  public:
    // A fault: what, and two numbers that tell where.
    void fault(const char* what, uint64_t first, uint64_t second);
    [[nodiscard]] uint64_t found() const { return found_; }
    uint64_t frames_checked = 0;

  private:
    uint64_t found_ = 0;
};

// All other workers stand still, or none runs.
void audit_everything(WorkerContext& context, AuditReport& report);

}  // namespace shoal::vm
