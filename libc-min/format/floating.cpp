// %f, %e and %g, lower and upper case, from the bits of a double.
#include "libc-min/format/conversion.hpp"
#include "libc-min/format/decimal.hpp"

namespace shoal::libc {
namespace {

constexpr uint64_t kSignBit = uint64_t{1} << 63;
constexpr uint64_t kExponentMask = uint64_t{0x7ff} << 52;
constexpr int kDefaultPrecision = 6;

// What to print, decided: digits from `high` down to `low` (positions of Decimal), and an exponent for %e.
struct Layout {
    int high, low;
    bool point;
    bool with_exponent;
    int exponent = 0;
};

bool is_upper(char specifier) { return specifier >= 'A' && specifier <= 'Z'; }

// "e+05": at least two digits. Returns its length.
size_t write_exponent(char* to, int exponent, bool upper) {
    size_t length = 0;
    to[length++] = upper ? 'E' : 'e';
    to[length++] = exponent < 0 ? '-' : '+';
    const int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude >= 100) to[length++] = static_cast<char>('0' + magnitude / 100);
    to[length++] = static_cast<char>('0' + magnitude / 10 % 10);
    to[length++] = static_cast<char>('0' + magnitude % 10);
    return length;
}

Layout layout_fixed(Decimal& decimal, const Conversion& conversion, int precision) {
    decimal.round_at(-precision);
    const int high = decimal.exponent() > 0 ? decimal.exponent() : 0;
    return {high, -precision, precision > 0 || conversion.alternative, false};
}

Layout layout_scientific(Decimal& decimal, const Conversion& conversion, int precision) {
    decimal.round_at(decimal.exponent() - precision);
    const int exponent = decimal.exponent();
    return {exponent, exponent - precision, precision > 0 || conversion.alternative, true, exponent};
}

// ISO C: P significant digits; scientific if the exponent X of that form is < -4 or >= P; no trailing zeros without '#'.
Layout layout_general(Decimal& decimal, const Conversion& conversion, int precision) {
    const int significant = precision == 0 ? 1 : precision;
    decimal.round_at(decimal.exponent() - significant + 1);
    const int exponent = decimal.exponent();
    const bool scientific = exponent < -4 || exponent >= significant;
    Layout layout{exponent, exponent - significant + 1, true, scientific, exponent};
    if (!scientific && exponent < 0) layout.high = 0;
    const int units = scientific ? exponent : 0;  // the position before the point
    if (!conversion.alternative) {
        if (layout.low < decimal.last_position()) layout.low = decimal.last_position();
        if (layout.low > units || decimal.is_zero()) layout.low = units;
        layout.point = layout.low < units;
    }
    return layout;
}

Layout layout_of(Decimal& decimal, const Conversion& conversion) {
    const int precision = conversion.precision < 0 ? kDefaultPrecision : conversion.precision;
    switch (conversion.specifier | 0x20) {
        case 'f': return layout_fixed(decimal, conversion, precision);
        case 'e': return layout_scientific(decimal, conversion, precision);
        default: return layout_general(decimal, conversion, precision);
    }
}

void put_digits(Sink& sink, const Decimal& decimal, const Layout& layout) {
    const int units = layout.with_exponent ? layout.high : 0;
    for (int position = layout.high; position >= layout.low; --position) {
        sink.put(decimal.digit(position));
        if (position == units && layout.point) sink.put('.');
    }
}

void put_special(Sink& sink, const Conversion& conversion, bool is_nan, char sign) {
    const bool upper = is_upper(conversion.specifier);
    const char* name = is_nan ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
    put_number(sink, conversion, {&sign, sign == '\0' ? size_t{0} : 1, name, 3}, ZeroFill::Refused);
}

}  // namespace

void put_floating(Sink& sink, const Conversion& conversion, uint64_t bits) {
    const char sign = conversion.sign((bits & kSignBit) != 0);
    if ((bits & kExponentMask) == kExponentMask)
        return put_special(sink, conversion, (bits & ~kSignBit) != kExponentMask, sign);

    Decimal decimal(bits);
    const Layout layout = layout_of(decimal, conversion);
    char exponent[8];
    const size_t exponent_bytes =
        layout.with_exponent
            ? write_exponent(exponent, layout.exponent, is_upper(conversion.specifier))
            : 0;
    const size_t bytes = (sign == '\0' ? 0 : 1) + static_cast<size_t>(layout.high - layout.low + 1) +
                         (layout.point ? 1 : 0) + exponent_bytes;
    const auto width = static_cast<size_t>(conversion.width);
    const size_t padding = width > bytes ? width - bytes : 0;
    const bool zeros = conversion.zero && !conversion.left;
    if (!conversion.left && !zeros) sink.repeat(' ', padding);
    if (sign != '\0') sink.put(sign);
    if (zeros) sink.repeat('0', padding);
    put_digits(sink, decimal, layout);
    sink.put(exponent, exponent_bytes);
    if (conversion.left) sink.repeat(' ', padding);
}

}  // namespace shoal::libc
