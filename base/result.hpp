// Result<T>: a value or an Error. The only way in which a function of kernel or servers reports failure.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "base/error.hpp"

namespace shoal {

template <typename T>
class [[nodiscard]] Result {
    static_assert(!std::is_reference_v<T>, "return a pointer: a Result owns its value");

  public:
    Result(Error error) : error_(error) {}  // NOLINT: implicit, so that `return Error::X` reads well
    Result(T value) : error_(Error::None) { new (&storage_) T(std::move(value)); }  // NOLINT
    Result(Result&& other) noexcept : error_(other.error_) {
        if (ok()) new (&storage_) T(std::move(other.value()));
    }
    Result& operator=(Result&&) = delete;
    ~Result() {
        if (ok()) value().~T();
    }

    [[nodiscard]] bool ok() const { return error_ == Error::None; }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] Error error() const { return error_; }
    T& value() { return *std::launder(reinterpret_cast<T*>(&storage_)); }
    const T& value() const { return *std::launder(reinterpret_cast<const T*>(&storage_)); }
    T& operator*() { return value(); }
    T* operator->() { return &value(); }
    T release() { return std::move(value()); }

  private:
    Error error_;
    alignas(T) unsigned char storage_[sizeof(T)];
};

template <>
class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(error) {}  // NOLINT
    [[nodiscard]] bool ok() const { return error_ == Error::None; }
    explicit operator bool() const { return ok(); }
    [[nodiscard]] Error error() const { return error_; }
    void release() {}

  private:
    Error error_ = Error::None;
};

// TRY(expression): the value of a Result, or returns its error to our caller.
#define TRY(expression)                                        \
    ({                                                         \
        auto try_result_ = (expression);                       \
        if (!try_result_.ok()) return try_result_.error();     \
        try_result_.release();                                 \
    })

}  // namespace shoal
