#include "bench/host/shoal_vm.hpp"

#include <cstdio>
#include <cstdlib>

#include "servers/vm/requests/dispatcher.hpp"

namespace shoal::vm::bench {

namespace {

constexpr uint64_t kBytesPerCpu = 32 << 20;
constexpr Endpoint kProgram = Endpoint::of(100, 1);

[[noreturn]] void give_up(const char* what) {
    std::fprintf(stderr, "the benchmark's VM: %s\n", what);
    std::abort();
}

}  // namespace

ShoalVm::ShoalVm(uint32_t cpus, Locking locking)
    : harness_({.cpus = cpus, .bytes = (cpus + 2) * kBytesPerCpu}), process_(harness_.create(CpuId{0})), locking_(locking) {}

ShoalVm::~ShoalVm() {
    harness_.stop(process_);
    if (harness_.exit(CpuId{0}, process_) != Error::None) give_up("its process does not end");
    if (harness_.audit() != 0) give_up("its books are wrong");
}

ShoalVm::Cpu::Cpu(ShoalVm& vm, uint32_t cpu) : vm_(vm), context_(vm.harness_.context(CpuId::from(cpu))) {
    vm.harness_.machine.drive(CpuId::from(cpu));
}

Action ShoalVm::Cpu::serve(Exchange& exchange) {
    std::unique_lock turn(vm_.big_lock_, std::defer_lock);
    if (vm_.locking_ == Locking::BigLock) turn.lock();
    context_.worker.epoch.enter_fenced();  // in the guest the kernel's part
    quiesce(context_);
    const Action action = dispatch(context_, exchange);
    context_.worker.epoch.leave();
    return action;
}

Message ShoalVm::Cpu::call(VmCall number, const Message& arguments) {
    Exchange exchange;
    exchange.message = arguments;
    exchange.message.set_source(kProgram);
    exchange.message.set_type(kVmCallBase + static_cast<uint32_t>(number));
    exchange.message.words[kVmCallerWord] = vm_.process_.raw();
    const Action action = serve(exchange);
    if (action.kind != Action::Kind::Reply || exchange.message.outcome() != Error::None) give_up("a call was not served at once");
    return exchange.message;
}

VirtualAddress ShoalVm::Cpu::map(uint64_t pages) {
    const uint64_t bytes = PageCount{pages}.bytes();
    return VirtualAddress{
        call(VmCall::Mmap, {{0, 0, bytes, kProtectRead | kProtectWrite, kMapPrivate | kMapAnonymous}}).words[1]};
}

void ShoalVm::Cpu::unmap(VirtualAddress start, uint64_t pages) {
    (void)call(VmCall::Munmap, {{0, start.raw(), PageCount{pages}.bytes()}});
}

void ShoalVm::Cpu::discard(VirtualAddress start, uint64_t pages) {
    (void)call(VmCall::Madvise, {{0, start.raw(), PageCount{pages}.bytes(), kAdviseDontNeed}});
}

void ShoalVm::Cpu::fault(VirtualAddress address) {
    Exchange exchange;
    exchange.status = kFromKernel;
    exchange.message = {{0, address.raw(), kFaultUser | kFaultWrite, 1, vm_.process_.raw()}};
    exchange.message.set_type(kPageFault);
    exchange.message.set_source(kProgram);
    const Action action = serve(exchange);
    if (action.kind != Action::Kind::Resume || action.error != Error::None) give_up("a fault was not served");
}

}  // namespace shoal::vm::bench
