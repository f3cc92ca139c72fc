// mmap_file, and the file server's calls: vfs_mmap, vfs_wait, vfs_reply.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace file_calls {
namespace {

constexpr uint64_t kPages = 20, kFile = 7, kDevice = vm::test::FileServer::kDevice;

void a_file_server(World& w) { w.serve_files(); }
Error map(World& w, uint64_t flags) { return w.call(VmCall::MmapFile, {{0, 0, kPages * kPageSize, kProtectRead, flags, kFile, 0}}); }
void a_mapped_file(World& w) {
    w.serve_files();
    (void)map(w, kMapPrivate);
}
void a_request(World& w) {
    w.serve_files();
    FileMapRequest request{};
    request.process = w.other, request.address = World::kPlace, request.bytes = kPages * kPageSize;
    request.protection = World::kReadWrite, request.handle = 3, request.device = kDevice, request.inode = kFile;
    w.at = w.map(1);
    w.put(w.at, &request, sizeof request);
}
void a_lookup(World& w) { w.want_a_file(); }
void a_lookup_given(World& w) {
    w.want_a_file();
    (void)w.call(VmCall::VfsWait, {});
    w.given = w.answer.words[1];
}

}  // namespace
}  // namespace file_calls

Scenarios file_scenarios() {
    using namespace file_calls;
    return {
        {"mmap_file", VmCall::MmapFile, a_file_server, [](World& w) { return map(w, kMapPrivate); }},
        {"mmap_file, shared", VmCall::MmapFile, a_file_server, [](World& w) { return map(w, kMapShared); }},
        {"mmap_file, of an open file", VmCall::MmapFile, a_mapped_file, [](World& w) { return map(w, kMapPrivate); }},
        {"mmap_file, populate", VmCall::MmapFile, a_file_server, [](World& w) { return map(w, kMapPrivate | kMapPopulate); }, Leaves::PagesPresent},
        {"vfs_mmap", VmCall::VfsMmap, a_request, [](World& w) { return w.call(VmCall::VfsMmap, {{0, w.at.raw()}}); }},
        {"vfs_wait", VmCall::VfsWait, a_lookup, [](World& w) { return w.call(VmCall::VfsWait, {}); }},
        {"vfs_reply", VmCall::VfsReply, a_lookup_given,
         [](World& w) { return w.call(VmCall::VfsReply, {{0, w.given, 0, 5, kDevice, kFile}}); }, Leaves::OtherAlone, Fails::Never},
    };
}

}  // namespace shoal::model
