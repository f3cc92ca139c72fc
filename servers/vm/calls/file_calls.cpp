// mmap_file and vfs_mmap; vfs_wait and vfs_reply: what the file server is asked, and answers.
#include "servers/vm/calls/attaching.hpp"
#include "servers/vm/calls/call_handlers.hpp"
#include "servers/vm/calls/mapping.hpp"
#include "servers/vm/calls/object_use.hpp"
#include "servers/vm/calls/user_memory.hpp"
#include "servers/vm/files/file_read.hpp"
#include "servers/vm/files/open_file.hpp"
#include "servers/vm/requests/waiter.hpp"

namespace shoal::vm {

namespace {

constexpr uint64_t kFileFlags = kMapShared | kMapPrivate | kMapFixed | kMapPopulate | kMapFixedNoReplace;

// Error: Invalid (unaligned, or beyond all offsets).
Result<uint64_t> page_of(uint64_t offset, uint64_t bytes) {
    if (offset % kPageSize != 0 || offset + bytes < offset) return Error::Invalid;
    return offset / kPageSize;
}

// What a server has answered, if it is for programs to see: not what means something to VM itself, or to IPC.
Error error_of(uint64_t outcome) {
    constexpr uint64_t kOfTheSystem = 200;
    const uint64_t number = uint64_t{0} - outcome;
    if (number >= kOfTheSystem || !is_error(number)) return Error::InputOutput;
    const Error error = from_register(static_cast<int64_t>(outcome));
    return error == Error::Again || error == Error::NoMemory ? Error::InputOutput : error;
}

uint64_t word_of(FileWork work, uint64_t pages) { return static_cast<uint64_t>(work) | pages << 32; }

}  // namespace

// DoNotReply: the call comes again, with the answer.
Error CallHandlers::look_up(uint64_t descriptor) {
    FileDesk& desk = context_.processes.file_desk();
    if (!desk.served()) return Error::NoDevice;
    if (desk.is_server(process_)) return Error::Deadlock;
    if (!context_.slabs().ensure<Request>(1).ok()) return Error::NoMemory;
    const Result<FileRequest*> made = context_.slabs().create<FileRequest>(FileWork::Lookup);
    if (!made.ok()) return made.error();
    FileRequest& lookup = *made.value();
    lookup.process = process_;
    lookup.descriptor = descriptor;
    Waiter(receipt_).park(context_, lookup.waiting);
    desk.add(context_, lookup);
    return Error::DoNotReply;
}

Result<VirtualAddress> CallHandlers::mmap_file(const vm_calls::MmapFileArguments& arguments) {
    Opening opening(context_, file_);
    Space& space = *TRY(caller());
    const uint64_t flags = arguments.flags;
    if ((flags & ~kFileFlags) != 0) return Error::Invalid;
    const MapPlan plan = TRY(MapPlan::decode(arguments.address, arguments.bytes, arguments.protection, flags));
    const uint64_t first_page = TRY(page_of(arguments.offset, plan.wanted.size()));
    const bool shared = (flags & kMapShared) != 0;
    if (shared && plan.attributes.access.writes()) return Error::NoDevice;
    if (opening.get() == nullptr) return look_up(arguments.descriptor);
    if (opening->error != Error::None) return opening->error;
    const Ownership lending = shared ? Ownership::BorrowedReadOnly : Ownership::BorrowedCopyOnWrite;
    const AttachedPart part{first_page, PageCount{plan.wanted.size() >> kPageShift}, lending, 0};
    const Result<Attachment*> attached =
        opening->object != nullptr ? attach_opened(context_, space, part, opening) : attach_named(context_, space, opening->name, part);
    if (attached.error() == Error::NoEntry) return look_up(arguments.descriptor);  // it has been closed meanwhile
    if (!attached.ok()) return attached.error();
    context_.worker.statistics.maps.add();
    return map_attached(space, plan, MemoryType::File, *attached.value());
}

Result<void> CallHandlers::vfs_mmap(const vm_calls::VfsMmapArguments& arguments) {
    Space& server = *TRY(caller());
    FileMapRequest map{};
    TRY(Result<void>{copy_from_user(context_, server, arguments.request, &map, sizeof(map), receipt_)});
    Space* space = context_.find_lasting(map.process);
    if (space == nullptr) return Error::NoProcess;
    const MapPlan plan = TRY(MapPlan::decode(map.address, map.bytes, map.protection, kMapPrivate | kMapFixedNoReplace));
    const uint64_t first_page = TRY(page_of(map.offset, plan.wanted.size()));
    const ObjectName name{map.device, map.inode};
    if (map.clear_bytes >= kPageSize || name.device == 0 || !name.is_file()) return Error::Invalid;
    const ObjectUse object(context_, TRY(use_object(context_, name)));
    return map_opened(*space, plan, *object, {first_page, PageCount{plan.wanted.size() >> kPageShift}, Ownership::BorrowedCopyOnWrite, map.clear_bytes},
                      map.handle);
}

// Region first, closed: what fails leaves the handle with its owner.
Result<void> CallHandlers::map_opened(Space& space, const MapPlan& plan, MemoryObject& object, const AttachedPart& part, uint64_t handle) {
    TRY(RangeOperation::reserve(context_));
    TRY(context_.slabs().ensure<FileRequest>(1));
    Attachment* attachment = TRY(context_.slabs().create<Attachment>(object, space.order(), part));
    space.attachments.place(context_.locks(), *attachment, plan.wanted.start);
    RegionAttributes closed = RegionAttributes::of(plan.attributes.access, MemoryType::File, *attachment);
    closed.work = RegionWork::Changing;
    if (const Result<void> inserted = insert_over(context_, space, plan.wanted, closed); !inserted.ok()) {
        context_.worker.reclaimer.retire(attachment->retire_hook, deleter_of(Retired::Attachment));  // a region may have named it for a moment
        return inserted;
    }
    // --- commit point ---
    FileRequest* file = context_.slabs().create_reserved<FileRequest>(FileWork::Close);
    file->handle = handle;
    file->name = object.name();
    attach_by(context_, space, *attachment, *file);
    open_regions(context_, space, plan.wanted);
    settle_attachment(context_, space, *attachment);
    return Result<void>{settle_elsewhere(space, plan.wanted)};
}

Result<vm_calls::VfsWaitResults> CallHandlers::vfs_wait(const vm_calls::VfsWaitArguments&) {
    FileDesk& desk = context_.processes.file_desk();
    if (caller_ == nullptr) desk.pass_on(context_);  // to another one, what it has been called for
    TRY(caller());
    if (!context_.slabs().ensure<Request>(1).ok()) {
        desk.pass_on(context_);
        return Error::NoMemory;
    }
    context_.processes.slot(process_)->note_file_server();
    const FileDesk::Job job = desk.next(context_, process_, receipt_);
    if (job.work == FileWork::None) return Error::DoNotReply;
    const bool lookup = job.work == FileWork::Lookup;
    return vm_calls::VfsWaitResults{job.id, word_of(job.work, job.pages), lookup ? job.process.raw() : job.handle, job.name.device, job.name.inode,
                                    lookup ? job.descriptor : job.page << kPageShift};
}

Result<uint64_t> CallHandlers::vfs_reply(const vm_calls::VfsReplyArguments& arguments) {
    FileRequest* request = context_.processes.file_desk().take(context_, process_, arguments.request);
    if (request == nullptr) return Error::NoEntry;
    const Error outcome = error_of(arguments.outcome);
    if (request->work == FileWork::Read) {
        end_read(context_, *request, outcome);
        return uint64_t{0};
    }
    request->error = outcome;
    request->handle = arguments.handle;
    request->name = {arguments.device, arguments.inode};
    return end_lookup(*request);
}

// Whoever asked goes on with it.
Result<uint64_t> CallHandlers::end_lookup(FileRequest& lookup) {
    const bool named = lookup.name.device != 0 && lookup.name.is_file();
    if (lookup.error == Error::None && !named) lookup.error = Error::InputOutput;
    bool surplus = true;
    if (lookup.error == Error::None) {
        const Result<bool> opened = open_file(context_, lookup);
        lookup.error = opened.error();
        surplus = !opened.ok() || opened.value();
    }
    Request* waiting = lookup.waiting;
    lookup.waiting = nullptr;
    waiting->receipt.file = &lookup;
    send_to_owner(context_, *waiting);
    return uint64_t{surplus ? 1u : 0u};
}

}  // namespace shoal::vm
