// setcachepage, mapcachepage, forgetcachepage, clearcache.
#include "tests/model/failure/scenario.hpp"

namespace shoal::model {

namespace cache_calls {
namespace {

constexpr uint64_t kPages = 6, kMany = 40, kDevice = World::kDevice, kInode = World::kInode;

void some_pages(World& w) { w.at = w.map_filled(kPages); }
void cached_pages(World& w) {
    some_pages(w);
    w.cache(w.at, kPages);
}
void cached_file(World& w) {
    some_pages(w);
    w.cache(w.at, kPages, kInode);
}
void pages_for_a_cached_place(World& w) {
    cached_file(w);
    w.at = w.map_filled(kPages);
}
void many_pages(World& w) { w.at = w.map_filled(kMany, World::kPrivate, World::kPlace - kMany / 2 * kPageSize); }
void many_cached_pages(World& w) {
    many_pages(w);
    w.cache(w.at, kMany, kInode);
}
void a_file_that_others_have(World& w) {
    w.serve_files();
    (void)w.call_of(w.other, VmCall::MmapFile, {{0, 0, kMany * kPageSize, kProtectRead, kMapPrivate, 7, 0}});
    w.there = VirtualAddress{w.answer.words[1]};
    for (const CpuId cpu : {kCpu0, kCpu1}) (void)w.vm.read(cpu, w.other, w.there);
}
Error set(World& w, uint64_t inode) { return w.call(VmCall::Setcachepage, {{0, w.at.raw(), kDevice, 0, inode, 0, kPages}}); }
Error map(World& w, uint64_t inode) { return w.call(VmCall::Mapcachepage, {{0, kDevice, 0, inode, 0, kPages}}); }

}  // namespace
}  // namespace cache_calls

Scenarios cache_scenarios() {
    using namespace cache_calls;
    return {
        {"setcachepage", VmCall::Setcachepage, some_pages, [](World& w) { return set(w, 0); }, Leaves::CachedPages},
        {"setcachepage, of a file", VmCall::Setcachepage, some_pages, [](World& w) { return set(w, kInode); }, Leaves::CachedPages},
        {"setcachepage, over others", VmCall::Setcachepage, pages_for_a_cached_place, [](World& w) { return set(w, kInode); }, Leaves::CachedPages},
        {"mapcachepage", VmCall::Mapcachepage, cached_pages, [](World& w) { return map(w, 0); }},
        {"mapcachepage, of a file", VmCall::Mapcachepage, cached_pages, [](World& w) { return map(w, kInode); }, Leaves::CachedPages},
        {"mapcachepage, of another file", VmCall::Mapcachepage, cached_file, [](World& w) { return map(w, kInode + 1); }, Leaves::CachedPages},
        {"setcachepage, of many pages", VmCall::Setcachepage, many_pages,
         [](World& w) { return w.call(VmCall::Setcachepage, {{0, w.at.raw(), kDevice, 0, kInode, 0, kMany}}); }, Leaves::CachedPages},
        {"mapcachepage, of many pages", VmCall::Mapcachepage, many_cached_pages,
         [](World& w) { return w.call(VmCall::Mapcachepage, {{0, kDevice, 0, kInode, 0, kMany}}); }},
        {"forgetcachepage, of a file that others have", VmCall::Forgetcachepage, a_file_that_others_have,
         [](World& w) {
             return w.call(VmCall::Forgetcachepage, {{0, vm::test::FileServer::kDevice, vm::test::FileServer::block_of(7, 0) * kPageSize, kMany}});
         }, Leaves::CachedPages, Fails::WithoutStocks},
        {"forgetcachepage", VmCall::Forgetcachepage, cached_file,
         [](World& w) { return w.call(VmCall::Forgetcachepage, {{0, kDevice, 0, kPages - 1}}); }},
        {"clearcache", VmCall::Clearcache, cached_file, [](World& w) { return w.call(VmCall::Clearcache, {{0, kDevice}}); }},
    };
}

}  // namespace shoal::model
