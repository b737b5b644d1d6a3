#include "base/wording.h"

#include <fmt/format.h>

#include <cmath>
#include <system_error>

namespace pleat {

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  const long long minutes = (whole + 30) / 60;
  if (minutes < 60) return fmt::format("{} min", minutes);
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string grouped(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string counted(std::int64_t number, std::string_view noun) {
  const char* plural = number == 1 ? "" : noun.ends_with('s') ? "es" : "s";
  const auto size = static_cast<std::size_t>(number < 0 ? -number : number);
  return fmt::format("{}{} {}{}", number < 0 ? "-" : "", grouped(size), noun, plural);
}

std::string system_error(int error) { return std::generic_category().message(error); }

}  // namespace pleat
