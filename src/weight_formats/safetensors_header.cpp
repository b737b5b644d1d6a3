#include "weight_formats/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace pleat {
namespace {

constexpr std::size_t kMostDimensions = 64;
constexpr std::string_view kMetadataKey = "__metadata__";

// Accepts only the one legal form of a header, value by value. Deeper nesting is refused where it begins. Duplicate
// keys are noticed; a parsed document would hide them.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(std::string_view file) : file_(file) {}

  SafetensorsHeader header;

  bool start_object(std::size_t) override {
    if (place_ == Place::kStart) return enter(Place::kRoot);
    if (place_ == Place::kRoot) return enter(next_is_metadata_ ? Place::kMetadata : Place::kTensor);
    misplaced("an object");
  }

  bool end_object() override {
    if (place_ == Place::kRoot) return enter(Place::kEnd);
    if (place_ == Place::kTensor) {
      const SafetensorsEntry& entry = header.entries.back();
      for (const auto& [has, field] : {std::pair{entry.has_dtype, "dtype"}, std::pair{entry.has_shape, "shape"},
                                       std::pair{entry.has_offsets, "data_offsets"}}) {
        if (!has) refuse_safetensors(file_, fmt::format("tensor '{}' has no {}", shown(entry.name), field));
      }
    }
    return enter(Place::kRoot);
  }

  bool key(std::string& key) override {
    if (place_ == Place::kMetadata) {
      if (header.metadata.contains(key))
        refuse_safetensors(file_, fmt::format("metadata key '{}' appears twice", shown(key)));
    } else if (place_ == Place::kTensor) {
      mark_field(key);
    } else if ((next_is_metadata_ = key == kMetadataKey)) {
      if (has_metadata_) refuse_safetensors(file_, fmt::format("{} appears twice", kMetadataKey));
      has_metadata_ = true;
    } else {
      header.entries.push_back({.name = key});
    }
    key_ = std::move(key);
    return true;
  }

  bool string(std::string& value) override {
    if (place_ == Place::kMetadata) {
      header.metadata.emplace(std::move(key_), std::move(value));
    } else if (place_ == Place::kTensor && key_ == "dtype") {
      header.entries.back().dtype = std::move(value);
    } else {
      misplaced("a string");
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kTensor && key_ == "shape") return enter(Place::kShape);
    if (place_ == Place::kTensor && key_ == "data_offsets") return enter(Place::kOffsets);
    misplaced("a list");
  }

  bool end_array() override {
    if (place_ == Place::kOffsets && header.entries.back().offsets.size() != 2) misplaced("other than two numbers");
    return enter(Place::kTensor);
  }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ == Place::kOffsets) {
      if (header.entries.back().offsets.size() == 2) misplaced("a third number");
      header.entries.back().offsets.push_back(value);
    } else if (place_ == Place::kShape) {
      auto& shape = header.entries.back().shape;
      if (shape.size() == kMostDimensions) misplaced(fmt::format("more than {} dimensions", kMostDimensions));
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) misplaced("too large a size");
      shape.push_back(static_cast<std::int64_t>(value));
    } else {
      misplaced("a number");
    }
    return true;
  }

  bool null() override { misplaced("null"); }
  bool boolean(bool) override { misplaced("true or false"); }
  bool number_integer(std::int64_t) override { misplaced("a negative number"); }
  bool number_float(double, const std::string&) override { misplaced("a number that is not an integer in range"); }
  bool binary(nlohmann::json::binary_t&) override { misplaced("binary"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    refuse_safetensors(file_, fmt::format("its header is not JSON at byte {}", position));
  }

 private:
  enum class Place { kStart, kRoot, kMetadata, kTensor, kShape, kOffsets, kEnd };

  bool enter(Place place) {
    place_ = place;
    return true;
  }

  void mark_field(const std::string& key) {
    SafetensorsEntry& entry = header.entries.back();
    bool* has = key == "dtype"          ? &entry.has_dtype
                : key == "shape"        ? &entry.has_shape
                : key == "data_offsets" ? &entry.has_offsets
                                        : nullptr;
    const char* const problem = has == nullptr ? "an unknown field" : *has ? "a field twice" : "";
    if (*problem != '\0') {
      refuse_safetensors(file_, fmt::format("tensor '{}' has {}: '{}'", shown(entry.name), problem, shown(key)));
    }
    *has = true;
  }

  [[noreturn]] void misplaced(std::string_view what) const {
    const bool in_tensor = place_ == Place::kTensor || place_ == Place::kShape || place_ == Place::kOffsets;
    refuse_safetensors(file_, in_tensor ? fmt::format("tensor '{}' has {} in '{}'", shown(header.entries.back().name),
                                                      what, shown(key_))
                                        : fmt::format("its header has {} as the value of '{}'", what, shown(key_)));
  }

  std::string_view file_;
  Place place_ = Place::kStart;
  bool next_is_metadata_ = false, has_metadata_ = false;
  std::string key_;
};

void check_names(const std::vector<SafetensorsEntry>& entries, std::string_view file) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const SafetensorsEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) refuse_safetensors(file, fmt::format("tensor '{}' appears twice", shown(*twice)));
}

}  // namespace

SafetensorsHeader read_safetensors_header(std::string_view json, std::string_view file) {
  // The JSON reader stops at a zero byte, and would ignore the rest.
  if (json.find('\0') != std::string_view::npos) refuse_safetensors(file, "its header holds a zero byte");
  HeaderReader reader(file);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  check_names(reader.header.entries, file);
  return std::move(reader.header);
}

void refuse_safetensors(std::string_view file, const std::string& what) {
  throw DataError("{}: {}; the file is damaged or not a safetensors file; get it again", file, what);
}

}  // namespace pleat
