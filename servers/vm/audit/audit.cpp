#include "servers/vm/audit/audit.hpp"

#include "servers/vm/audit/line.hpp"
#include "servers/vm/audit/parts.hpp"

namespace shoal::vm {

void AuditReport::fault(const char* what, uint64_t first, uint64_t second) {
    ++found_;
    AuditLine line;
    line.text("audit: ").text(what).text(": ").number(first).text(", ").number(second).text("\n").print();
}

void audit_everything(WorkerContext& context, AuditReport& report) {
    Ledger ledger(context, report);
    audit_storage(context, ledger);
    // Spaces that are being taken apart too: between two steps all that is left of one can be reached.
    for (uint32_t i = 0; i < context.processes.slots(); ++i) {
        const ProcessSlot& slot = context.processes.slot_at(i);
        if (slot.exit != nullptr) enter_request(*slot.exit, ledger);
        if (Space* space = slot.space()) audit_space(context, *space, ledger);
    }
    audit_desks(context, ledger);
    NamedObjects& names = context.processes.named_objects();
    for (uint64_t chain = 0; chain < names.chains(); ++chain)
        names.for_each_in(chain, [&](MemoryObject& object) {
            if (!object.ending()) enter_request(*object.end_request(), ledger);  // else the request is on a desk
        });
    if (!context.processes.joint_mappings().sound(context.locks())) report.fault("the tree of joint mappings is not sound", 0, 0);
    (void)context.processes.dma_holds().find(context.locks(), [&](const DmaHold& hold) {
        ledger.enter_objects(SlabType::DmaHold);
        for (uint64_t i = 0; i < hold.frames.count; ++i) ledger.enter_reference(hold.frames.first + i);
        return false;
    });
    ledger.close(context);
}

}  // namespace shoal::vm
