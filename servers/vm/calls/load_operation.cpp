#include "servers/vm/calls/load_operation.hpp"

#include "servers/vm/calls/user_memory.hpp"
#include "servers/vm/loader/image_loader.hpp"
#include "servers/vm/requests/shortage.hpp"
#include "servers/vm/update/engagement.hpp"

namespace shoal::vm {

namespace {

constexpr unsigned kPagesPerStep = 64;

ProgramArguments arguments_of(const LoadRequest& load) {
    return {load.arguments, load.argument_count, load.argument_bytes};
}

}  // namespace

Error LoadOperation::read_request(WorkerContext& context, Space& caller, const Receipt& receipt, Waiter waiter, LoadRequest& load) {
    const VirtualAddress at{receipt.message.words[1]};
    const Error error = copy_from_user(context, caller, at, &load, sizeof(load), waiter);
    if (error != Error::None) return error;
    return load.argument_bytes <= LoadRequest::kMaxArgumentBytes ? Error::None : Error::TooBig;
}

Error LoadOperation::start(WorkerContext& context, Space& caller, const Receipt& receipt, uint64_t& reason) {
    LoadRequest load;
    if (const Error error = read_request(context, caller, receipt, receipt, load); error != Error::None) return error;
    Space* destination = context.find_lasting(load.process);
    Space* source_space = context.find(load.source);
    if (destination == nullptr || source_space == nullptr) return Error::NoProcess;
    if (!UserPointer<char>{load.image.raw()}.plausible(load.image_bytes)) return Error::BadAddress;
    const VirtualRange bytes = VirtualRange::of(load.image, load.image_bytes);
    const ImageSource source(context, *source_space, bytes, receipt);
    ImageLoader loader(context, source, *destination);
    if (const Error error = loader.check(); error != Error::None) {
        reason = static_cast<uint64_t>(loader.reason());
        return error;
    }
    if (const Error error = loader.check_arguments(arguments_of(load)); error != Error::None) return error;
    const Result<Request*> made = context.slabs().create<Request>(RequestKind::Load, receipt, context.cpu());
    if (!made.ok()) return made.error();
    Request* request = made.value();
    request->process = load.process;
    request->source = load.source;
    request->range.range = bytes;
    request->range.cursor = loader.first_byte();
    if (const Error error = loader.map(); error != Error::None) {
        context.slabs().destroy(request);
        return error;
    }
    // --- commit point --- (what follows fails for lack of memory, or where the file goes meanwhile)
    engage(context, *request);
    context.desk.push_ready(*request);
    return Error::DoNotReply;
}

// None: loaded; Again: not yet; DoNotReply: nor now, the request has been put aside.
Error LoadOperation::step(WorkerContext& context, Request& request) {
    Space* destination = context.find_lasting_in_step(request.process);
    Space* source_space = context.find_in_step(request.source);
    if (destination == nullptr || source_space == nullptr) return Error::NoProcess;
    const ImageSource source(context, *source_space, request.range.range, request);
    ImageLoader loader(context, source, *destination);
    Error error = loader.check();
    if (error == Error::BadExecutable) request.results[0] = static_cast<uint64_t>(loader.reason());
    FrameGroup group(context.frames());  // the stack's too
    if (error == Error::None) error = loader.fill(request.range.cursor, kPagesPerStep, group);
    if (error != Error::None) return error;
    Space* caller = context.find(ProcessId{static_cast<uint32_t>(request.receipt.message.words[kVmCallerWord])});
    if (caller == nullptr) return Error::NoProcess;
    LoadRequest load;
    error = read_request(context, *caller, request.receipt, request, load);
    if (error != Error::None) return error;
    VirtualAddress stack;
    error = loader.put_arguments(arguments_of(load), stack);
    if (error != Error::None) return error;
    request.results[0] = loader.entry().raw();
    request.results[1] = request.results[2] = stack.raw();
    return Error::None;
}

bool LoadOperation::proceed(WorkerContext& context, Request& request) {
    request.error = step(context, request);
    if (request.error == Error::DoNotReply) return false;
    if (request.error == Error::Again) {
        context.desk.push_more(request);
        return false;
    }
    return request.error != Error::NoMemory || !wait_for_memory(context, request);
}

}  // namespace shoal::vm
