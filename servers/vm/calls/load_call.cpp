// load: an executable from one process' memory into another's empty space.
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/load_operation.hpp"

namespace shoal::vm {

Result<vm_calls::LoadResults> CallHandlers::load(const vm_calls::LoadArguments&) {
    return LoadOperation::start(context_, *TRY(caller()), receipt_, reason_);
}

}  // namespace shoal::vm
