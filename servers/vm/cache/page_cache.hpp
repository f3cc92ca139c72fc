// PageCache: what may be done to cached pages. The functions are called with the device's pages_lock held, unless they say otherwise.
//
// A page is in its device's object, and in its file's if that is known: each of the two is in use by it. Whoever looks a page up in a file's object
// without this lock does so under the lock of a leaf that maps it there: it is then not taken away from that leaf before the lock is released
// (Withdrawal). So nobody who maps a file writes a line that others read.
#pragma once

#include "servers/vm/cache/cached_page.hpp"
#include "servers/vm/requests/worker_context.hpp"

namespace shoal::vm {

// Where a page is to be.
struct CachePlace {
    MemoryObject& device;
    uint64_t device_page;
    MemoryObject* file;  // nullptr: in no file that is known
    uint64_t file_page;
};

class PageCache {
  public:
    // Of a device or a file; nullptr: it is not cached.
    static CachedPage* find(WorkerContext& context, const MemoryObject& object, uint64_t page);
    // The device's first one from `page` on and before `end`, or any (CacheWork::kAll). nullptr: there is none before `page` as it is then; so far
    // one step has looked.
    static CachedPage* next(WorkerContext& context, MemoryObject& device, uint64_t& page, uint64_t end);

    // The device's next one by the evictor's clock that no file server has mapped: those used lately are passed over. nullptr: there is none in so
    // many blocks, of which it takes off what it has looked at; so far one step has looked.
    static CachedPage* next_victim(WorkerContext& context, MemoryObject& device, uint64_t& blocks);

    // Enters a frame that the caller has alone, and goes on to hold. Needs a reserved CachedPage and two PageBlocks.
    static void enter(WorkerContext& context, const CachePlace& place, FrameNumber frame, CacheUse use);
    // Says in which file a page is that is in none yet. Needs a reserved PageBlock.
    static void associate(WorkerContext& context, CachedPage& page, MemoryObject& file, uint64_t file_page);

    // Under the lock of a leaf that has the file mapped there, and not the device's: copies a page that is for one use, and takes it out of the cache. False:
    // it is no longer there.
    static bool take_once(WorkerContext& context, const ObjectPlace& place, FrameNumber frame, FrameNumber copy);

    // Takes the page out of its file: the use of it is the caller's.
    static void leave_file(WorkerContext& context, CachedPage& page);
    // Likewise, if nobody has the file attached, and the cache alone has the page; or returns false.
    static bool leave_unused_file(WorkerContext& context, CachedPage& page);
    // Takes a page that is in no file off its device. Its frame is Withdrawn, and the reference to it the caller's; so is the use of the device.
    static void remove(WorkerContext& context, CachedPage& page);

  private:
    static void put(WorkerContext& context, MemoryObject& object, uint64_t number, const CachedPage& page);
    static void take(WorkerContext& context, MemoryObject& object, uint64_t page);
    static void take_locked(WorkerContext& context, MemoryObject& object, uint64_t page);
};

}  // namespace shoal::vm
