// List: an intrusive doubly linked list. It owns nothing; an element is on at most one list per hook. Not synchronised.
#pragma once

#include <cstddef>

#include "base/assert.hpp"
#include "base/containers/hook.hpp"

namespace shoal {

class ListHook {
  public:
    ListHook() = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;
    [[nodiscard]] bool linked() const { return next_ != nullptr; }

  private:
    template <typename T, ListHook T::*kHook>
    friend class List;
    ListHook* next_ = nullptr;
    ListHook* previous_ = nullptr;
};

template <typename T, ListHook T::*kHook>
class List {
  public:
    constexpr List() { head_.next_ = head_.previous_ = &head_; }
    List(const List&) = delete;
    List& operator=(const List&) = delete;

    [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
    [[nodiscard]] size_t size() const { return size_; }
    T* front() { return empty() ? nullptr : element(head_.next_); }
    T* back() { return empty() ? nullptr : element(head_.previous_); }
    // nullptr after the last element.
    T* next(T& item) { return element_or_null((item.*kHook).next_); }

    void push_front(T& item) { insert_before(head_.next_, item); }
    void push_back(T& item) { insert_before(&head_, item); }
    // item: in no list yet; where: in this one.
    void insert_behind(T& where, T& item) { insert_before((where.*kHook).next_, item); }
    T* pop_front() {
        T* item = front();
        if (item != nullptr) remove(*item);
        return item;
    }
    void remove(T& item) {
        ListHook& hook = item.*kHook;
        SHOAL_ASSERT(hook.linked() && size_ > 0);
        hook.previous_->next_ = hook.next_;
        hook.next_->previous_ = hook.previous_;
        hook.next_ = hook.previous_ = nullptr;
        --size_;
    }
    // Visits every element; visit may remove the element it is given.
    template <typename Visit>
    void for_each(Visit visit) {
        for (ListHook* at = head_.next_; at != &head_;) {
            ListHook* next = at->next_;
            visit(*element(at));
            at = next;
        }
    }

  private:
    static T* element(ListHook* hook) { return owner_of<T, ListHook, kHook>(hook); }
    T* element_or_null(ListHook* hook) { return hook == &head_ ? nullptr : element(hook); }
    void insert_before(ListHook* at, T& item) {
        ListHook& hook = item.*kHook;
        SHOAL_ASSERT(!hook.linked());
        hook.next_ = at;
        hook.previous_ = at->previous_;
        at->previous_->next_ = &hook;
        at->previous_ = &hook;
        ++size_;
    }

    ListHook head_;
    size_t size_ = 0;
};

}  // namespace shoal
