// Request: something that a worker could not finish at once, as an object in the arena: what was received, and how far it
// got. It holds no lock and no stack; whoever finds it can go on.
#pragma once

#include "abi/grant.hpp"
#include "abi/message.hpp"
#include "base/address.hpp"
#include "base/cpu.hpp"
#include "servers/vm/calls/call_right.hpp"
#include "servers/vm/frames/frame_pool.hpp"
#include "servers/vm/joint/link_place.hpp"
#include "servers/vm/leaf/access.hpp"
#include "servers/vm/objects/attachment.hpp"
#include "servers/vm/reclaim/reclaimer.hpp"
#include "servers/vm/requests/range_reserve.hpp"
#include "servers/vm/slab/slab_types.hpp"
#include "servers/vm/space/region.hpp"

namespace shoal::vm {

class MemoryObject;
class Space;
class JointMapping;
struct FileRequest;

// What the cache is to give up, and the page that is just being taken away from those who have borrowed it (cache/withdrawal.hpp).
struct CacheWork {
    enum class Then : uint8_t { Answer, Again };  // Again: the call is dispatched once more
    enum class From : uint8_t { Device, File };   // File: a page stays cached, and is in no file any more
    static constexpr uint64_t kAll = ~uint64_t{0};

    MemoryObject* device = nullptr;  // in use until the end
    uint64_t page = 0, end = 0;      // of the device: those that are left. end = kAll: all that there are, in no order
    uint64_t wanted = 0, looks = 0;  // Evict: those that were not used lately, so many of them, in no more blocks than that
    Then then = Then::Answer;
    From from = From::Device;
    MemoryObject* file = nullptr;    // in use while the page is being taken away
    uint64_t file_page = 0;
    FrameNumber frame{};             // with a reference
    bool meeting = false;            // where the walk has come to, and the page has not been taken back yet:
    uint32_t space_order = 0;
    VirtualAddress address;
    [[nodiscard]] bool walking() const { return file != nullptr; }
    // Nothing is left to be taken.
    [[nodiscard]] bool ended() const { return page >= end && looks == 0; }
};

// Two processes that are being swapped (update/swap_operation.hpp).
struct SwapWork {
    enum class Phase : uint8_t {
        Try,
        Inherit,   // the new one gets what the old one has mapped
        Close,     // nobody finds them any more
        Drain,     // what is under way in them ends; then no CPU has them
        Forget,    // and no leaf says that one has: first those of the source
        ForgetOther,
        Exchange,
    };
    Phase phase = Phase::Try;
    bool inherits = false;
};

// A process that is being made ready for an update (update/prepare_operation.hpp).
struct PrepareWork {
    enum class Phase : uint8_t {
        Inherit,    // it gets what the old one has mapped
        PinSource,  // all that the old one has is made present
        PinDestination,
    };
    Phase phase = Phase::PinDestination;
    bool succeeds_vm = false;
};

// What of a space a fork copies.
enum class CopyExtent : uint8_t {
    Everything,
    Maps,  // what lies where maps are placed, as far as nothing is there yet: of a live update
};

// How the file server has answered the last read that a message has waited for.
enum class LastRead : uint8_t {
    Good,
    RunFailed,   // more pages than the one that is wanted
    PageFailed,  // this page alone
};

// A message as received.
struct Receipt {
    Message message;
    uint64_t status = 0;            // StatusFlags
    uint8_t rounds = 0;             // of calling in memory for it: the next failure is final, unless the cache may still give way
    bool again = false;             // it has waited, and others of its space have run meanwhile
    // The page of a file that it has waited for last; how often; and what came of it.
    VirtualAddress awaited{};
    LastRead last_read = LastRead::Good;
    uint8_t reads = 0;
    Error read_error = Error::None;
    FileRequest* file = nullptr;    // a lookup's answer, which the call goes on with, and ends

    // Another message is in its place.
    void renew(uint64_t received_status) {
        status = received_status;
        rounds = 0;
        again = false;
        file = nullptr;
        awaited = VirtualAddress{};
        forget_reads();
    }
    // Why a page could not be read.
    [[nodiscard]] Error read_failure() const { return read_error == Error::None ? Error::InputOutput : read_error; }
    void forget_reads() {
        last_read = LastRead::Good;
        reads = 0;
        read_error = Error::None;
    }
};

// The worker's one message: what it received, and in the same place what it replies (Action::Kind::Reply). Until the reply is
// written the request stands there whole: whoever has to wait keeps a copy of it.
using Exchange = Receipt;

enum class RequestKind : uint8_t {
    Again,  // dispatch the receipt once more
    Range,  // a range operation under way (RangeOperation)
    Exit,   // a space being taken apart (ExitOperation)
    Share,  // a range of one space on its way into another (ShareOperation)
    Load,   // an executable on its way into a space (LoadOperation)
    Fork,   // a space being copied (ForkOperation)
    Touch,  // a range being made present (TouchOperation)
    Contiguous,  // neighbouring frames on their way into a space (ContiguousOperation)
    ObjectEnd,  // an object's pages being freed (ObjectEnd); nobody waits for it
    Withdraw,  // pages on their way out of the cache (Withdrawal)
    MapMemory,    // pages of one space on their way into another (joint/map_memory.hpp)
    UnmapMemory,  // likewise, being copied there (joint/unmap_memory.hpp)
    Evict,     // likewise, in a shortage (evictor.hpp); nobody waits for it
    Flush,  // a batch under way that nobody waits for
    Trim,   // empty leaves being given up (LeafTrim)
    Swap,   // two spaces changing places (SwapOperation)
    Prepare,      // a space being made ready for that (PrepareOperation)
    Preallocate,  // memory being made present before it is wanted (Preallocation)
    Held,   // as Again, for the one call that a worker holds (hold())
};

enum class RangeKind : uint8_t {
    Unmap,
    Replace,  // unmaps, and maps anew in the same instant
    Protect,
    Discard,
    Settle,  // changes nothing: answers when what others have changed there has been flushed
    Populate,
    Share,
    CopyRegions,  // of a space (ForkOperation): first these
    CopyPages,
    Seek,  // neighbouring frames (ContiguousOperation): first find them
    Clear,
    Place,
    Fill,
    MapPages,   // of another space, after Populate there (MapMemory)
    PartPages,  // first nobody else's writes are counted on any more (UnmapMemory)
    CopyParted,
};

// What an operation may draw on.
enum class Means : uint8_t {
    Caches,  // whatever there is
    Stocks,  // the worker's stocks, where nothing else is left: it may not leave more regions or runs than there were
};

// A range operation's progress. Ranges are page-aligned.
struct RangeProgress {
    RangeKind kind = RangeKind::Unmap;
    Access access;              // Protect, Replace, Touch
    VirtualRange range;
    VirtualAddress cursor;      // everything before it is done
    VirtualRange marked;        // the part of one segment whose regions carry our RegionWork; empty: none
    RegionTraits traits = RegionTraits::None;  // Replace
    Means means = Means::Caches;
    bool vacant = false;        // nothing is mapped in the marked part: it is free for others, and only flushes are waited for
    MemoryType type = MemoryType::Anonymous;  // Replace
    uint64_t backing = 0;                     // Replace
};

// For neighbouring frames: what is wanted, and how many areas of the pool have not been searched.
struct BlockSearch {
    FrameBlock wanted{};
    uint32_t areas_left = 0;
    CallRight right = CallRight::Plain;
};

// Memory that one process has from another.
struct JointWork {
    JointMapping* mapping = nullptr;  // of `process`, and busy for this request; valid while the process' space can be found
    VirtualAddress source;            // MapMemory: what comes to the range's start
    MapMode mode = MapMode::CopyOnWrite;
    VirtualRange hidden;              // what it has mapped last, and is to open after the flush; or empty
    // Revoking: of which grant, the last mapping that has been seen, and the number of the last one that counts.
    GrantName grant;
    LinkPlace seen;
    uint64_t last = 0;
};

class Request {
  public:
    static constexpr SlabType kSlabType = SlabType::Request;
    static constexpr uint32_t kStock = 16;

    Request(RequestKind what, const Receipt& received, CpuId worker) : kind(what), receipt(received), owner(worker) {}

    // Part of a desk, not of a slab.
    [[nodiscard]] bool embedded() const { return kind == RequestKind::Trim || kind == RequestKind::Held || kind == RequestKind::Evict; }

    RequestKind kind;
    Error error = Error::None;   // result: error, and words 1..3 of the answer
    uint64_t results[3] = {};
    Receipt receipt;
    CpuId owner;                 // the worker that goes on with it
    CpuId answerer = owner;      // the worker that received the call, whose answer its sender waits for
    uint32_t flushes = 0;        // batches of it under way; touched by the owner only
    uint32_t audited = 0;        // the audit's own: batches of it that it has come across
    bool finished = false;       // nothing left but its flushes, and the answer
    bool alone = false;          // Exit: no other worker has ever found the space
    bool engaged = false;        // process and source are not swapped before it ends (update/engagement.hpp)
    ProcessId process;
    ProcessId source;            // Share, Load, Fork, Swap, Prepare, MapMemory only
    CopyExtent extent = CopyExtent::Everything;  // Fork, Swap, Prepare
    SwapWork swap;               // Swap
    PrepareWork prepare;         // Prepare
    MemoryObject* object = nullptr;  // ObjectEnd only
    Space* space = nullptr;      // Exit only: the slot is closed, the space is this request's
    CacheWork cache;             // Withdraw, Evict
    AttachmentLink walker;       // likewise, in the list of cache.file while that is walked
    RangeProgress range;
    RangeReserve reserve;        // Range, Contiguous, Preallocate
    BlockSearch search;          // Contiguous
    JointWork joint;             // MapMemory, UnmapMemory
    FrameRange frames;           // Contiguous: those that are no leaf's yet
    uint64_t cleared = 0;        // of them, while they are being cleared
    Request* next = nullptr;     // on one chain at a time: a leaf's, a segment's, a desk's
    RetireHook grace;            // Exit: waits until no worker can be inside the space
};

}  // namespace shoal::vm
