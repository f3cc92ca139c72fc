#include "host_machine.hpp"

#include <cstdlib>
#include <cstring>

#include "kernel/core/ipc/worker.hpp"
#include "kernel/core/mail/post.hpp"

namespace shoal::kernel {

namespace {

char* arena;  // physical address 2 MiB is its first byte
space::test::HostMachine* current_machine;
bool tags_present;
thread_local space::test::HostCpu* playing;
constexpr uint64_t kRootWord = uint64_t{1} << 62, kKeepsTranslations = uint64_t{1} << 63;

}  // namespace

namespace machine {

void* frame_pointer(PhysicalAddress address) { return arena + (address.raw() - kLeafSize); }
Root kernel_root() { return {PhysicalAddress{0}, 0}; }
RootWord root_word(Root root, TlbLoad load) {
    return RootWord{kRootWord | root.table.raw() | root.tag | (load == TlbLoad::Keep ? kKeepsTranslations : 0)};
}
void load_root(RootWord word) {
    const uint64_t raw = word.raw() & ~(kRootWord | kKeepsTranslations);
    const Root root{PhysicalAddress{raw & ~(kPageSize - 1)}, static_cast<uint16_t>(raw % kPageSize)};
    playing->tlb.load(root, (word.raw() & kKeepsTranslations) != 0 ? TlbLoad::Keep : TlbLoad::Flush);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // MOV to CR3 is serialising
}
void flush_page(VirtualAddress address) { playing->tlb.flush_page(address); }
bool has_tags() { return tags_present; }
void fill_kernel_half(void* table) {
    for (unsigned i = 256; i < 512; ++i) static_cast<space::PageTable*>(table)->store(i, space::PageEntry{3});
}

}  // namespace machine

void post_now(CpuId target, MailNode& node) {
    space::test::HostCpu& cpu = current_machine->host(target.raw());
    cpu.interrupts.fetch_add(1, std::memory_order_relaxed);
    (void)cpu.mailbox.post(node);
}

void send_to_worker(CpuId target, WorkerMessage& message) {
    message.kind = Mail::WorkerMessage;
    post_now(target, message);
}

namespace space::test {

void Tlb::load(machine::Root root, machine::TlbLoad load) {
    root_ = root;
    ++loads;
    if (load == machine::TlbLoad::Keep && tags_present) return;
    ++flushes;
    std::erase_if(cached_, [&](const auto& entry) { return entry.first.first == tag(); });
}

PhysicalAddress Tlb::translate(VirtualAddress address, Access access) {
    const auto found = cached_.find({tag(), address.page_down().raw()});
    if (found != cached_.end() && (access == Access::Read || found->second.writable))
        return found->second.frame + address.page_offset();
    const Translation walked = walk(root_.table, address, access);
    if (walked.outcome != Translation::Outcome::Mapped) return PhysicalAddress{0};
    const bool writable = walk(root_.table, address, Access::Write).outcome == Translation::Outcome::Mapped;
    cached_[{tag(), address.page_down().raw()}] = {PhysicalAddress{walked.address.raw() & ~uint64_t{kPageSize - 1}}, writable};
    return walked.address;
}

HostMachine::HostMachine(uint32_t count, uint32_t slots, Tags tags, uint16_t tag_numbers)
    : spaces(slots), shared{pool, spaces, {}} {
    arena = static_cast<char*>(std::aligned_alloc(kLeafSize, kArenaBytes));
    std::memset(arena, 0xa5, kArenaBytes);
    current_machine = this;
    tags_present = tags == Tags::Present;
    for (uint32_t i = 0; i < count; ++i) {
        cpus.push_back(std::make_unique<HostCpu>(CpuId::from(i)));
        roots.emplace_back(slots);
    }
    cpu_spaces_ = static_cast<CpuSpaces*>(std::aligned_alloc(alignof(CpuSpaces), sizeof(CpuSpaces) * count));
    shared.cpus = {cpu_spaces_, count};
    for (uint32_t i = 0; i < count; ++i)
        new (cpu_spaces_ + i) CpuSpaces{CpuId::from(i), cpus[i]->locks, shared, roots[i], tag_numbers};
    play(0);
}

HostMachine::~HostMachine() {
    for (CpuSpaces& cpu : shared.cpus) cpu.~CpuSpaces();
    std::free(cpu_spaces_);
    std::free(arena);
}

void HostMachine::play(uint32_t cpu) { playing = cpus[cpu].get(); }

void HostMachine::interrupt(uint32_t cpu) {
    play(cpu);
    for (MailNode* node = host(cpu).mailbox.take_all(); node != nullptr;) {
        MailNode* next = node->next;
        if (node->kind == Mail::Space) {
            on(cpu).answer_bell();
        } else {
            auto& message = static_cast<WorkerMessage&>(*node);
            host(cpu).received.push_back(message.message);
            message.pending.store(false, std::memory_order_release);  // pairs with BatchPool::allocate()
        }
        node = next;
    }
}

PhysicalAddress HostMachine::frame() {
    const PhysicalAddress frame{next_frame_};
    next_frame_ += kPageSize;
    if (next_frame_ > kLeafSize + kArenaBytes) std::abort();
    std::memset(machine::frame_pointer(frame), 0, kPageSize);
    return frame;
}

}  // namespace space::test
}  // namespace shoal::kernel
