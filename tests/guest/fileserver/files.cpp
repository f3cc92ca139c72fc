#include "tests/guest/fileserver/files.hpp"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include <atomic>

#include "base/address.hpp"
#include "libc-min/file_service.hpp"
#include "libc-min/process.hpp"

namespace shoal::test {
namespace {

constexpr uint64_t kDevice = 0x804, kInode = 9, kFilePages = 200, kThreads = 2;
constexpr int kFile = 5, kNoFile = 6;

uint64_t word_of(uint64_t page) { return 0xf11e'0000 + page; }

std::atomic<uint64_t> reads{0}, opened{0}, closed{0};

// The pages that there are, by way of memory of the server's own.
Error read(const FileJob& job) {
    void* buffer = mmap(nullptr, job.pages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer == MAP_FAILED) return Error::NoMemory;
    const uint64_t first = job.offset / kPageSize, there = first < kFilePages ? kFilePages - first : 0;
    const uint64_t pages = job.pages < there ? job.pages : there;
    for (uint64_t i = 0; i < pages; ++i) static_cast<uint64_t*>(buffer)[i * kPageSize / sizeof(uint64_t)] = word_of(first + i);
    Error error = pages < job.pages ? Error::BadAddress : Error::None;
    const VirtualAddress at{reinterpret_cast<uint64_t>(buffer)};
    if (pages > 0)
        if (const auto set = vm_calls::setcachepage(at, job.device, job.offset, job.inode, job.offset, pages); !set.ok()) error = set.error();
    (void)munmap(buffer, job.pages * kPageSize);
    return error;
}

Result<void> serve() {
    for (;;) {
        const FileJob job = TRY(next_file_job());
        if (job.work == FileWork::Close) ++closed;
        if (job.work == FileWork::Read) {
            ++reads;
            TRY(answer_read(job, read(job)));
        }
        if (job.work == FileWork::Lookup && job.descriptor == kFile) {
            if (TRY(answer_lookup(job, {77, kDevice, kInode})) == Handle::Taken) ++opened;
        } else if (job.work == FileWork::Lookup) {
            TRY(refuse_lookup(job, Error::BadDescriptor));
        }
    }
}

void* serve_in_thread(void*) {
    (void)serve();
    return nullptr;
}

Result<EndedChild> run_child() {
    const char* const arguments[] = {"fileserver", "child"};
    SpawnOptions options;
    options.name = "fileserver";
    options.arguments = arguments;
    return wait_child(TRY(spawn(options)));
}

volatile uint64_t* map(int protection, int flags) {
    void* memory = mmap(nullptr, (kFilePages + 1) * kPageSize, protection, flags, kFile, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<volatile uint64_t*>(memory);
}

volatile uint64_t& word(volatile uint64_t* memory, uint64_t page) { return memory[page * kPageSize / sizeof(uint64_t)]; }

}  // namespace

void serve_files(Verdict& verdict) {
    pthread_t threads[kThreads];
    for (pthread_t& thread : threads) SHOAL_EXPECT(verdict, pthread_create(&thread, nullptr, serve_in_thread, nullptr) == 0);
    for (unsigned i = 0; i < 3; ++i) {
        const Result<EndedChild> ended = run_child();
        SHOAL_EXPECT(verdict, ended.ok() && ended.value().status == 0);
        if (i == 0) SHOAL_EXPECT(verdict, reads.load() > 0);
    }
    SHOAL_EXPECT(verdict, reads.load() < 3 * kFilePages / 16);
    SHOAL_EXPECT(verdict, mmap(nullptr, kPageSize, PROT_READ, MAP_PRIVATE, kFile, 0) == MAP_FAILED && errno == EDEADLK);
    while (closed.load() < opened.load()) (void)0;
    SHOAL_EXPECT(verdict, vm_calls::clearcache(kDevice).ok());
}

// The status says which check has failed.
int map_files() {
    volatile uint64_t* const shared = map(PROT_READ, MAP_SHARED);
    volatile uint64_t* const own = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);
    if (shared == nullptr || own == nullptr) return 1;
    for (uint64_t page = 0; page < kFilePages; ++page)
        if (word(shared, page) != word_of(page)) return 2;
    for (uint64_t page = 0; page < kFilePages; page += 3) word(own, page) = page;
    for (uint64_t page = 0; page < kFilePages; ++page)
        if (word(own, page) != (page % 3 == 0 ? page : word_of(page)) || word(shared, page) != word_of(page)) return 3;
    if (mmap(nullptr, kPageSize, PROT_READ, MAP_PRIVATE, kNoFile, 0) != MAP_FAILED || errno != EBADF) return 4;
    if (mmap(nullptr, kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED, kFile, 0) != MAP_FAILED || errno != ENXIO) return 5;
    if (munmap(const_cast<uint64_t*>(own), (kFilePages + 1) * kPageSize) != 0) return 6;
    return 0;
}

}  // namespace shoal::test
