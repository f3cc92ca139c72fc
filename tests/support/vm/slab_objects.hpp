// Objects of any type out of a slab, for tests that only want to hold one.
#pragma once

#include <utility>

#include "servers/vm/slab/slab_caches.hpp"

namespace shoal::vm::test {

// Type-stable ones come as they were left, without arguments.
template <typename T, typename... Arguments>
Result<T*> take_object(SlabCaches& slabs, Arguments&&... arguments) {
    if constexpr (slab_kind_of<T>() == SlabKind::TypeStable) return slabs.obtain<T>();
    else return slabs.create<T>(std::forward<Arguments>(arguments)...);
}

template <typename T>
void free_object(SlabCaches& slabs, T* object) {
    if constexpr (slab_kind_of<T>() == SlabKind::TypeStable) slabs.give_back(object);
    else slabs.destroy(object);
}

}  // namespace shoal::vm::test
