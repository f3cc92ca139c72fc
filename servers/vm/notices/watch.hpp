// Watch: that one process wants to hear of another one's end, and of its signals; and the notice of them, in the same object, so that an end or a
// signal needs no memory.
//
// Between two living processes it is in a tree of the watched one's space, and in a list of the watcher's. A process that ends leaves its watchers
// the notices; then a watch is in the watcher's list alone, until it is taken. The notice and the lists are guarded by the lifecycle lock of the
// watcher's slot, the tree by that of the watched one's: who takes a watch out of both, or puts it in, has both, the lower slot's first.
#pragma once

#include "abi/endpoint.hpp"
#include "abi/memory.hpp"
#include "base/containers/avl.hpp"
#include "base/containers/list.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class Request;

struct Watch {
    static constexpr SlabType kSlabType = SlabType::Watch;

    Watch(ProcessId by, ProcessId of) : watcher(by), watched(of) {}

    const ProcessId watcher, watched;
    ExitNotice notice = ExitNotice::None;  // Ended: the watched process has let go of it

    ListHook of_watcher;
    AvlHook of_watched;
    struct Watcher {
        uint32_t operator()(const Watch& watch) const { return watch.watcher.raw(); }
    };
};

// A space's watches. Its end sees here whether anybody has to be told, and else looks at nobody's.
struct Watches {
    AvlTree<Watch, &Watch::of_watched, Watch::Watcher> watchers;
    List<Watch, &Watch::of_watcher> quiet;    // what this process watches, without news
    List<Watch, &Watch::of_watcher> notices;  // with news, the oldest first
    Request* waiting = nullptr;               // its threads that wait for news
};

}  // namespace shoal::vm
