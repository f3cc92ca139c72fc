#include "tests/model/concurrent/worker.hpp"

#include <utility>

#include "abi/memory.hpp"

namespace shoal::model {

namespace {

constexpr uint64_t kReadWrite = kProtectRead | kProtectWrite;
constexpr uint64_t kGround = 6 * kLeafSize;   // so that leaves lie inside a region
constexpr uint64_t kLong = 80 * kLeafSize;  // a range that VM changes in steps, marked meanwhile

}  // namespace

Worker::Worker(System& system, const ConcurrentPlan& plan, unsigned index, EventClock& clock, FirstFailure& failure,
               uint64_t& begun)
    : system_(system), plan_(plan), index_(index), clock_(clock), failure_(failure), begun_(begun),
      random_(plan.seed * 1'000'003 + index), private_(system, index, steady_spaces(), clock, failure) {}

Operation Worker::ground(unsigned space) const {
    Operation map;
    map.kind = Kind::Map;
    map.space = static_cast<uint8_t>(space);
    map.address = kBorder - kGround / 2;
    map.bytes = kGround;
    map.protection = kReadWrite;
    map.flags = kMapPrivate | kMapAnonymous | kMapFixed;
    return map;
}

void Worker::map_ground(const Operation& map) {
    PageEvent event;
    event.operation = map;
    event.began = clock_.tick();
    event.outcome = system_.apply(map);
    event.ended = clock_.tick();
    if (event.outcome.error != Error::None) return failure_.report("ground: " + describe(map, event.outcome));
    event.operation.address = shared_start();
    event.operation.bytes = plan_.shared_pages * kPageSize;
    log_shared(event);
}

void Worker::run() {
    while (begun_ < plan_.operations_per_worker && !failure_.seen()) {
        ++begun_;
        do_something();
    }
}

void Worker::do_something() {
    if (plan_.churned_spaces > 0 && below(4) == 0) return do_churned();
    if (below(2) == 0) return private_.do_something(random_operation(), random_);
    do_shared();
}

Operation Worker::random_operation() {
    constexpr Kind kUsual[] = {Kind::Map,  Kind::Unmap, Kind::Protect, Kind::Protect, Kind::DontNeed, Kind::Read,
                               Kind::Read, Kind::Read,  Kind::Write,   Kind::Write,   Kind::Write,    Kind::Execute};
    constexpr uint64_t kProtections[] = {kReadWrite,   kReadWrite,   kReadWrite,
                                         kProtectRead, kProtectNone, kProtectRead | kProtectExecute};
    Operation op;
    op.kind = below(20) == 0 ? Kind::Share : kUsual[below(std::size(kUsual))];
    op.worker = static_cast<uint8_t>(index_);
    op.space = static_cast<uint8_t>(below(steady_spaces()));
    op.other = static_cast<uint8_t>(below(steady_spaces()));
    op.word = static_cast<uint8_t>(below(kWordsUsed));
    op.value = random_();
    op.protection = kProtections[below(std::size(kProtections))];
    op.flags = kMapPrivate | kMapAnonymous | kMapFixed;
    op.bytes = kPageSize;
    return op;
}

// Among pages of all sorts, in a space that another worker may be ending.
void Worker::do_churned() {
    Operation op = random_operation();
    op.space = churned_space();
    op.other = churned_space();
    if (below(64) == 0) system_.look(index_, op.space);
    if (below(4) == 0) return share_churned(op);
    op.address = kBorder + (below(plan_.churned_pages) << kPageShift);
    op.bytes = (1 + below(plan_.churned_pages / 2)) << kPageShift;
    if (below(4) == 0) op.flags |= kMapPopulate;
    if (below(4) == 0) op.flags ^= kMapPrivate | kMapShared;
    if (below(8) == 0) {
        op.kind = below(4) == 0 ? Kind::FileForget : Kind::MapFile;
        op.flags &= kMapShared | kMapPrivate | kMapFixed;
        op.value = below(64);
    }
    if (below(16) == 0) op.kind = below(2) == 0 ? Kind::Renew : Kind::Fork;  // of and into what others use, change and end
    if (!is_access(op.kind) && (op.flags & kMapPopulate) == 0 && below(8) == 0) op.bytes += kLong;
    (void)system_.apply(op);
}

// All share the same few pages among the same few spaces: a frame's references come and go, and end, on several CPUs at once.
void Worker::share_churned(Operation op) {
    op.address = kBorder + 64 * kLeafSize + (below(4) << kPageShift);
    op.bytes = (1 + below(3)) << kPageShift;
    op.protection = kReadWrite;
    op.kind = Kind::Map;
    const bool object = below(2) == 0;
    if (object) op.flags ^= kMapPrivate | kMapShared;
    if (below(4) == 0) (void)system_.apply(op);
    std::swap(op.space, op.other);
    op.kind = Kind::Unmap;
    (void)system_.apply(op);
    std::swap(op.space, op.other);
    op.kind = object ? Kind::Remap : Kind::Share;
    op.value = op.address;
    op.flags = below(4) == 0 ? 1 : 0;
    (void)system_.apply(op);
}

void Worker::do_shared() {
    PageEvent event;
    event.operation = random_operation();
    if (event.operation.kind == Kind::Share) event.operation.kind = Kind::Read;
    const uint64_t page = below(plan_.shared_pages);
    event.operation.address = shared_start() + page * kPageSize;
    if (!is_access(event.operation.kind) && below(4) == 0) event.operation.bytes = (1 + below(plan_.shared_pages - page)) * kPageSize;
    if (!is_access(event.operation.kind) && below(16) == 0) {  // nothing but these pages is used there
        event.operation.bytes += kLong + page * kPageSize;
        event.operation.address = shared_start() - kLong;
    }
    event.began = clock_.tick();
    event.outcome = system_.apply(event.operation);
    event.ended = clock_.tick();
    if (!ran_out(system_, event.outcome)) log_shared(event);  // else it has changed nothing
}

// Each page of a range for itself: nobody promises that a call changes all of them at one moment. A call that fails for one of
// several pages changes none, and of the others tells nothing.
void Worker::log_shared(const PageEvent& event) {
    const uint64_t bytes = event.operation.bytes;
    if (bytes > kPageSize && event.outcome.error != Error::None) return;
    PageEvent one = event;
    one.operation.bytes = kPageSize;
    if (one.operation.address < shared_start()) one.operation.address = shared_start();
    for (; one.operation.address < event.operation.address + bytes; one.operation.address += kPageSize) log_.push_back(one);
}

}  // namespace shoal::model
