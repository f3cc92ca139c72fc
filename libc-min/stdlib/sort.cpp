// qsort: quicksort with the median of three; small parts by insertion; when the parts shrink too slowly, heapsort, so that no
// order of elements takes more than n log n (Musser, "Introspective sorting and selection algorithms", 1997).
#include <bit>
#include <cstdint>

#include "libc-min/include/stdlib.h"

namespace {

constexpr size_t kInsertionLimit = 12;
using Compare = int (*)(const void*, const void*);

class Sorter {
  public:
    Sorter(void* base, size_t size, Compare compare)
        : base_(static_cast<char*>(base)), size_(size), compare_(compare) {}

    // Sorts elements [low, high). The smaller part is sorted by recursion, so that the stack stays logarithmic.
    void sort(size_t low, size_t high, unsigned levels) {
        while (high - low > kInsertionLimit) {
            if (levels-- == 0) return heap_sort(low, high);
            const size_t middle = partition(low, high);
            if (middle - low < high - middle - 1) {
                sort(low, middle, levels);
                low = middle + 1;
            } else {
                sort(middle + 1, high, levels);
                high = middle;
            }
        }
        insertion_sort(low, high);
    }

  private:
    char* at(size_t index) const { return base_ + index * size_; }
    bool less(size_t left, size_t right) const { return compare_(at(left), at(right)) < 0; }

    void swap(size_t left, size_t right) const {
        char *a = at(left), *b = at(right);
        for (size_t i = 0; i < size_; ++i) {
            const char kept = a[i];
            a[i] = b[i];
            b[i] = kept;
        }
    }

    // Puts the median of first, middle and last in front, then everything smaller before it. Returns its final place.
    size_t partition(size_t low, size_t high) const {
        const size_t middle = low + (high - low) / 2, last = high - 1;
        if (less(middle, low)) swap(middle, low);
        if (less(last, middle)) swap(last, middle);
        if (less(middle, low)) swap(middle, low);
        swap(low, middle);
        size_t left = low + 1, right = last;
        for (;;) {
            while (left <= right && less(left, low)) ++left;
            while (less(low, right)) --right;
            if (left >= right) break;
            swap(left++, right--);
        }
        swap(low, right);
        return right;
    }

    void insertion_sort(size_t low, size_t high) const {
        for (size_t next = low + 1; next < high; ++next)
            for (size_t i = next; i > low && less(i, i - 1); --i) swap(i, i - 1);
    }

    void sift_down(size_t low, size_t root, size_t count) const {
        for (size_t child = 2 * root + 1; child < count; root = child, child = 2 * root + 1) {
            if (child + 1 < count && less(low + child, low + child + 1)) ++child;
            if (!less(low + root, low + child)) return;
            swap(low + root, low + child);
        }
    }

    void heap_sort(size_t low, size_t high) const {
        const size_t count = high - low;
        for (size_t root = count / 2; root-- > 0;) sift_down(low, root, count);
        for (size_t rest = count; rest-- > 1;) {
            swap(low, low + rest);
            sift_down(low, 0, rest);
        }
    }

    char* base_;
    size_t size_;
    Compare compare_;
};

}  // namespace

SHOAL_C_BEGIN

void qsort(void* base, size_t count, size_t size, Compare compare) {
    if (count < 2 || size == 0) return;
    Sorter(base, size, compare).sort(0, count, 2 * static_cast<unsigned>(std::bit_width(count)));
}

void* bsearch(const void* key, const void* base, size_t count, size_t size, Compare compare) {
    const auto* elements = static_cast<const char*>(base);
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(key, elements + middle * size);
        if (order == 0) return const_cast<char*>(elements + middle * size);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return nullptr;
}

SHOAL_C_END
