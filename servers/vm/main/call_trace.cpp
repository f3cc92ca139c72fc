#include "servers/vm/main/call_trace.hpp"

#include "abi/trap.hpp"
#include "abi/vm_call_names.hpp"
#include "servers/vm/audit/line.hpp"

namespace shoal::vm {

namespace {

AuditLine line_of(const WorkerContext& context) {
    AuditLine line;
    line.text("vm: cpu ").number(context.cpu().raw()).text(": ");
    return line;
}

}  // namespace

void trace_call(const WorkerContext& context, const Message& message, uint64_t status) {
    if ((status & (kFromKernel | kNotification)) != 0) return;
    const auto call = static_cast<VmCall>(message.type() - kVmCallBase);
    const char* name = name_of(call);
    AuditLine line = line_of(context);
    line.text(name != nullptr ? name : "no call").text("(");
    for (unsigned i = 1; i <= arguments_of(call); ++i) line.text(i == 1 ? "" : ", ").number(message.words[i]);
    line.text(") for ").number(message.source().raw()).text("\n").print();
}

void trace_answer(const WorkerContext& context, const Action& action, const Message& message) {
    if (action.kind != Action::Kind::Reply) return;
    line_of(context).number(action.partner.raw()).text(" has ").text(error_text(message.outcome())).text("\n").print();
}

}  // namespace shoal::vm
