// FileRequest: what VM wants of the file server: to say which file a descriptor names, to bring pages into the cache, to close a file.
//
// A lookup that has been answered is an open file: the file's object keeps the request while the file is attached anywhere or about to be
// (MemoryObject::open()); then it is what closes the file. So closing one takes no memory.
#pragma once

#include "abi/endpoint.hpp"
#include "abi/memory.hpp"
#include "base/containers/avl.hpp"
#include "base/containers/list.hpp"
#include "base/error.hpp"
#include "servers/vm/objects/object_name.hpp"
#include "servers/vm/slab/slab_types.hpp"

namespace shoal::vm {

class MemoryObject;
class Request;

struct FileRequest {
    static constexpr SlabType kSlabType = SlabType::FileRequest;
    static constexpr uint32_t kStock = 4;

    explicit FileRequest(FileWork what) : work(what) {}

    FileWork work;
    Error error = Error::None;      // Lookup: how it was answered
    ProcessId process;              // Lookup: whose descriptor
    uint64_t descriptor = 0;
    uint64_t handle = 0;            // Read, Close; of an answered Lookup: the file server's name of the open file
    ObjectName name;                // likewise
    MemoryObject* object = nullptr;  // Read, answered Lookup: the file, in use
    bool surplus = false;           // answered Lookup: the file is open by another one
    uint64_t page = 0, pages = 0;    // Read: [page, page + pages) of it
    Request* waiting = nullptr;     // who goes on with the answer: a Read's under the object's lock, a Lookup's only one

    [[nodiscard]] uint64_t end() const { return page + pages; }

    ListHook queued;                // FileDesk's
    AvlHook given;
    bool offered = false;
    uint64_t id = 0;
    ProcessId server;
    struct Id {
        uint64_t operator()(const FileRequest& request) const { return request.id; }
    };
    AvlHook of_object;              // the object's, under its lock
    struct FirstPage {
        uint64_t operator()(const FileRequest& request) const { return request.page; }
    };
};

}  // namespace shoal::vm
