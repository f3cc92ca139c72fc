#include "bench/guest/conflicts/operations.hpp"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libc-min/trap.hpp"

namespace shoal::bench {
namespace {

constexpr uint32_t kRefillPages = 192;    // more than a CPU keeps frames ready
constexpr uint32_t kRefillRegions = 100;  // more than a CPU keeps objects of one type ready

void require(bool done) {
    if (!done) abort();
}

void map_at(char* page) {
    require(mmap(page, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0) == page);
}

void touch(char* page) { *static_cast<volatile char*>(page) = 1; }

void fault(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i) touch(actor.place.page(i));
}

void map_pages(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i) {
        char* wanted = actor.fixed ? actor.place.page(i) : nullptr;
        void* page = mmap(wanted, kPageBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | (actor.fixed ? MAP_FIXED : 0), -1, 0);
        require(page != MAP_FAILED);
        actor.mapped[i] = static_cast<char*>(page);
    }
}

void unmap_mapped(Actor& actor) {
    for (char* page : actor.mapped) require(munmap(page, kPageBytes) == 0);
}

void unmap_pages(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i) require(munmap(actor.place.page(i), kPageBytes) == 0);
}

void protect_pages(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i)
        require(mprotect(actor.place.page(i), kPageBytes, PROT_READ) == 0);
}

void move_break(Actor&) {
    for (uint32_t i = 0; i < kTimes; ++i) {
        auto* page = static_cast<char*>(sbrk(kPageBytes));
        require(page != reinterpret_cast<char*>(-1));
        touch(page);
    }
}

void move_break_back(Actor&) { (void)sbrk(-static_cast<intptr_t>(kTimes * kPageBytes)); }

void discard_pages(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i)
        require(madvise(actor.place.page(i), kPageBytes, MADV_DONTNEED) == 0);
}

// Every other page a region of its own.
void take_many_objects(Actor& actor) {
    for (uint32_t i = 0; i < kRefillRegions; ++i) map_at(actor.place.page(2 * i));
}

void take_many_frames(Actor& actor) {
    for (uint32_t i = 0; i < kRefillPages; ++i) touch(actor.place.page(i));
}

void ask(Actor& actor) {
    for (uint32_t i = 0; i < kTimes; ++i) {
        Message message;
        message.set_type(1);
        require(send_receive(actor.server, message) == Error::None);
    }
}

constexpr ConflictOperation kOperations[] = {
    {"fault", Ready::Mapped, true, kTimes, fault},
    {"mmap", Ready::Unmapped, true, kTimes, map_pages, unmap_mapped},
    {"munmap", Ready::Resident, true, kTimes, unmap_pages},
    {"mprotect", Ready::Resident, true, kTimes, protect_pages},
    {"brk", Ready::Mapped, false, kTimes, move_break, move_break_back},
    {"dontneed", Ready::Resident, true, kTimes, discard_pages},
    {"slab-refill", Ready::Unmapped, true, kRefillRegions, take_many_objects},
    {"frame-refill", Ready::Mapped, true, kRefillPages, take_many_frames},
    {"ipc", Ready::Mapped, false, kTimes, ask},
};

}  // namespace

std::span<const ConflictOperation> conflict_operations() { return kOperations; }

void prepare(const ConflictOperation& operation, Actor& actor) {
    const Place& place = actor.place;
    // Mapped by whoever owns the region around it.
    if (operation.ready == Ready::Unmapped) require(munmap(place.start, Place::bytes()) == 0);
    if (operation.ready != Ready::Resident) return;
    for (size_t i = 0; i < kPlacePages; ++i) touch(place.page(i));
}

void clean(const ConflictOperation& operation, Actor& actor) {
    if (operation.clean != nullptr) operation.clean(actor);
    require(munmap(actor.place.start, Place::bytes()) == 0);
}

}  // namespace shoal::bench
