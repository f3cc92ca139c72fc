// CallHandlers: the VM calls of abi/vm_calls.toml, one member each, as the generated dispatch wants them. Made for one call
// of one caller; each decodes and reserves, then commits. Error::DoNotReply: the answer comes later.
#pragma once

#include "abi/memory.hpp"
#include "abi/vm_call_numbers.hpp"
#include "servers/vm/cache/page_cache.hpp"
#include "servers/vm/calls/call_right.hpp"
#include "servers/vm/calls/map_plan.hpp"
#include "servers/vm/calls/range_operation.hpp"
#include "servers/vm/requests/action.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

class CallHandlers {
  public:
    // caller: the calling process' space; nullptr if VM does not know it. file: what a call has waited for that is dispatched once more, which it
    // takes; or nullptr.
    CallHandlers(WorkerContext& context, const Receipt& receipt, FileRequest* file, ProcessId process, Space* caller, CallRight right)
        : context_(context), receipt_(receipt), file_(file), process_(process), caller_(caller), right_(right) {}

    Result<VirtualAddress> mmap(const vm_calls::MmapArguments& arguments);
    Result<void> munmap(const vm_calls::MunmapArguments& arguments);
    Result<VirtualAddress> brk(const vm_calls::BrkArguments& arguments);
    Result<void> mprotect(const vm_calls::MprotectArguments& arguments);
    Result<void> madvise(const vm_calls::MadviseArguments& arguments);
    Result<void> create(const vm_calls::CreateArguments& arguments);
    Result<vm_calls::LoadResults> load(const vm_calls::LoadArguments& arguments);
    Result<void> share(const vm_calls::ShareArguments& arguments);
    Result<void> fork(const vm_calls::ForkArguments& arguments);
    Result<void> willexit(const vm_calls::WillexitArguments& arguments);
    Result<void> exit(const vm_calls::ExitArguments& arguments);
    Result<void> rs_set_priv(const vm_calls::RsSetPrivArguments& arguments);
    Result<void> watch_exit(const vm_calls::WatchExitArguments& arguments);
    Result<vm_calls::QueryExitResults> query_exit(const vm_calls::QueryExitArguments& arguments);
    Result<void> notify_sig(const vm_calls::NotifySigArguments& arguments);
    Result<VirtualAddress> map_phys(const vm_calls::MapPhysArguments& arguments);
    Result<void> unmap_phys(const vm_calls::UnmapPhysArguments& arguments);
    Result<PhysicalAddress> adddma(const vm_calls::AdddmaArguments& arguments);
    Result<void> deldma(const vm_calls::DeldmaArguments& arguments);
    Result<vm_calls::GetdmaResults> getdma(const vm_calls::GetdmaArguments& arguments);
    Result<VirtualAddress> remap(const vm_calls::RemapArguments& arguments);
    Result<VirtualAddress> remap_ro(const vm_calls::RemapRoArguments& arguments);
    Result<void> shm_unmap(const vm_calls::ShmUnmapArguments& arguments);
    Result<vm_calls::GetrefResults> getref(const vm_calls::GetrefArguments& arguments);
    Result<void> setcachepage(const vm_calls::SetcachepageArguments& arguments);
    Result<VirtualAddress> mapcachepage(const vm_calls::MapcachepageArguments& arguments);
    Result<void> forgetcachepage(const vm_calls::ForgetcachepageArguments& arguments);
    Result<void> clearcache(const vm_calls::ClearcacheArguments& arguments);
    Result<VirtualAddress> mmap_file(const vm_calls::MmapFileArguments& arguments);
    Result<void> vfs_mmap(const vm_calls::VfsMmapArguments& arguments);
    Result<vm_calls::VfsWaitResults> vfs_wait(const vm_calls::VfsWaitArguments& arguments);
    Result<uint64_t> vfs_reply(const vm_calls::VfsReplyArguments& arguments);
    Result<void> rs_update(const vm_calls::RsUpdateArguments& arguments);
    Result<void> rs_prepare(const vm_calls::RsPrepareArguments& arguments);
    Result<vm_calls::RsMemctlResults> rs_memctl(const vm_calls::RsMemctlArguments& arguments);
    Result<PhysicalAddress> getphys(const vm_calls::GetphysArguments& arguments);
    Result<vm_calls::InfoResults> info(const vm_calls::InfoArguments& arguments);
    Result<vm_calls::GetrusageResults> getrusage(const vm_calls::GetrusageArguments& arguments);
    Result<void> procctl(const vm_calls::ProcctlArguments& arguments);
    Result<vm_calls::AuditResults> audit(const vm_calls::AuditArguments& arguments);

    // Whether the answer must flush the caller's space on this CPU.
    [[nodiscard]] PartnerTlb tlb() const { return tlb_; }
    // Word 1 of an answer that failed with a reason (load).
    [[nodiscard]] uint64_t reason() const { return reason_; }

  private:
    Result<Space*> caller() const;
    Result<vm_calls::InfoResults> list_regions(Space& caller_space, const vm_calls::InfoArguments& arguments);
    Result<void> clear(Space& space);
    Result<void> touch(Space& space, const vm_calls::ProcctlArguments& arguments);
    // The mapping of that type that begins in the address' page, with what follows it in the space as it does in what backs it. Error: BadAddress.
    Result<VirtualRange> mapping_at(Space& space, VirtualAddress address, MemoryType type);
    // What an object's memory is, at a range of it.
    struct SharedRange {
        RegionAttributes attributes;
        MemoryObject* object = nullptr;
        uint64_t first_page = 0;
    };
    Result<SharedRange> shared_at(Space& space, VirtualRange range);
    Result<VirtualAddress> remap_as(const vm_calls::RemapArguments& arguments, Ownership lending);
    Result<VirtualAddress> place_shared(Space& space, VirtualAddress wish, uint64_t bytes, RegionAttributes attributes);
    struct UpdatePair {
        Space& source;
        Space& destination;
    };
    Result<UpdatePair> update_pair(ProcessId source, ProcessId destination);
    Error extend_heap_alike(Space& source, Space& destination);
    Request& make_ready(ProcessId source, ProcessId process, PrepareWork::Phase first);
    Error make_successor(Space& space);
    Error set_page(Space& space, VirtualAddress address, const CachePlace& place, CacheUse use, const Receipt& rest);
    Error withdraw(MemoryObject& device, uint64_t page, CacheWork::From from, const Receipt& receipt);
    Result<void> forget(uint64_t device, uint64_t page, uint64_t end);
    Error settle_elsewhere(Space& space, VirtualRange range);
    // 0: the caller's. Error: NoProcess, Permission (another's, without the right).
    Result<Space*> named_space(ProcessId process) const;
    // Runs a range operation; None: finished, DoNotReply: its request answers with `result` in word 1.
    Error run_range(const RangeProgress& what, uint64_t result = 0);
    // Before an answer that something is mapped in what was free: None, or DoNotReply while that may still be cached somewhere.
    Error settle(Space& space, VirtualRange range, uint64_t result);
    [[nodiscard]] bool flushing(Space& space, VirtualRange range);
    Result<void> reserve_stock();
    Result<void> change_range(RangeKind kind, VirtualAddress address, uint64_t bytes, Access access);
    Result<VirtualAddress> map_shared(Space& space, const MapPlan& plan);
    Result<VirtualAddress> map_attached(Space& space, const MapPlan& plan, MemoryType type, Attachment& attachment);
    Result<VirtualAddress> map_as_wished(Space& space, const MapPlan& plan);
    Error look_up(uint64_t descriptor);
    Result<uint64_t> end_lookup(FileRequest& lookup);
    Result<void> map_opened(Space& space, const MapPlan& plan, MemoryObject& object, const AttachedPart& part, uint64_t handle);
    Result<void> insert_exactly(Space& space, VirtualRange range, RegionAttributes attributes);
    Result<VirtualAddress> map_fixed(Space& space, VirtualRange range, uint64_t flags, RegionAttributes attributes);
    Result<VirtualAddress> finish_exact_map(Space& space, VirtualRange range, uint64_t flags);
    Result<VirtualAddress> finish_map(Space& space, VirtualRange range, uint64_t flags);

    WorkerContext& context_;
    const Receipt& receipt_;
    FileRequest* file_;
    ProcessId process_;
    Space* caller_;
    CallRight right_;
    PartnerTlb tlb_ = PartnerTlb::Keep;
    uint64_t reason_ = 0;
};

}  // namespace shoal::vm
