// What programs may do.
#pragma once

#include "abi/kernel_call_numbers.hpp"
#include "abi/pm_calls.hpp"
#include "abi/privileges.hpp"
#include "abi/vm_call_numbers.hpp"

namespace shoal::pm {

// Traps: all but those for system processes. It may send to VM, to PM and to other programs; not to RS or other servers. Of
// the kernel calls those open to all, of the VM calls likewise.
constexpr Privileges user_privileges() {
    Privileges privileges{};
    privileges.trap_mask = trap_bit(Trap::Send) | trap_bit(Trap::Receive) |
                           trap_bit(Trap::SendReceive) | trap_bit(Trap::SendNonBlocking) |
                           trap_bit(Trap::ReplyReceive) | trap_bit(Trap::KernelCall);
    for (uint64_t& word : privileges.send_mask) word = ~uint64_t{0};
    privileges.send_mask[0] &= ~(uint64_t{1} << kRsSlot);
    privileges.manager = kPm;
    privileges.priority = kUserPriority;
    return privileges;
}

// What file servers, and who manages shared memory, do in VM.
constexpr uint64_t kFileServerCalls = [] {
    uint64_t mask = 0;
    for (const VmCall call : {VmCall::Setcachepage, VmCall::Mapcachepage, VmCall::Forgetcachepage, VmCall::Clearcache, VmCall::Remap,
                              VmCall::RemapRo, VmCall::ShmUnmap, VmCall::Getref, VmCall::VfsMmap, VmCall::VfsWait, VmCall::VfsReply,
                              VmCall::WatchExit, VmCall::QueryExit})
        mask |= uint64_t{1} << static_cast<unsigned>(call);
    return mask;
}();

constexpr Privileges file_server_privileges() {
    Privileges privileges = user_privileges();
    privileges.vm_call_mask |= kFileServerCalls;
    privileges.flags = kMagicGrants;        // programs' buffers, for drivers
    privileges.priority = kServerPriority;  // programs wait for it
    return privileges;
}

// Makes processes and their spaces itself, without PM, hears itself how they end, and updates them; and does in VM what other servers do.
constexpr Privileges process_manager_privileges() {
    Privileges privileges = user_privileges();
    for (const KernelCall call : {KernelCall::ProcessCreate, KernelCall::ProcessStart, KernelCall::ProcessKill,
                                  KernelCall::ProcessReap, KernelCall::ProcessRelease, KernelCall::ProcessStop, KernelCall::ProcessResume,
                                  KernelCall::PrivilegeSet, KernelCall::ThreadProcess})
        privileges.kernel_call_mask[static_cast<unsigned>(call) / 64] |= uint64_t{1} << static_cast<unsigned>(call) % 64;
    for (const VmCall call : {VmCall::Create, VmCall::Load, VmCall::Share, VmCall::Fork, VmCall::Willexit, VmCall::Exit, VmCall::RsUpdate,
                              VmCall::RsPrepare, VmCall::RsMemctl, VmCall::NotifySig})
        privileges.vm_call_mask |= uint64_t{1} << static_cast<unsigned>(call);
    privileges.vm_call_mask |= kFileServerCalls;
    privileges.flags = kSystemProcess | kMagicGrants;
    privileges.priority = kServerPriority;
    return privileges;
}

// Reaches devices, all of them; has memory that they can reach, and that is held for them.
constexpr Privileges driver_privileges() {
    Privileges privileges = user_privileges();
    for (const VmCall call : {VmCall::Mmap, VmCall::Adddma}) privileges.vm_call_mask |= uint64_t{1} << static_cast<unsigned>(call);
    privileges.device_memory[0] = {FrameNumber{0}, ~uint64_t{0}};
    return privileges;
}

constexpr Privileges privileges_of(ProgramRole role) {
    switch (role) {
        case ProgramRole::ProcessManager: return process_manager_privileges();
        case ProgramRole::Driver: return driver_privileges();
        case ProgramRole::FileServer: return file_server_privileges();
        case ProgramRole::User: break;
    }
    return user_privileges();
}

}  // namespace shoal::pm
