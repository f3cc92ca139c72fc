// Strong<Tag, Integer>: an integer that does not mix with other integers. Arithmetic is added by the types that need it.
#pragma once

#include <compare>

namespace shoal {

template <typename Tag, typename Integer>
class Strong {
  public:
    using Raw = Integer;
    constexpr Strong() = default;
    constexpr explicit Strong(Integer raw) : raw_(raw) {}
    [[nodiscard]] constexpr Integer raw() const { return raw_; }
    constexpr auto operator<=>(const Strong&) const = default;

  private:
    Integer raw_{};
};

}  // namespace shoal
