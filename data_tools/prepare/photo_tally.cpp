#include "data_tools/prepare/photo_tally.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/wording.h"

namespace pleat {
namespace {

constexpr std::size_t kCommonest = 10;  // sizes that the report lists

Json size_json(const PhotoTally::Kind& kind) { return {{"width", std::get<1>(kind)}, {"height", std::get<2>(kind)}}; }

// The most frequent sizes first.
Json commonest_sizes(const PhotoTally& tally) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> sizes;
  for (const auto& [kind, count] : tally.photos) sizes[{std::get<1>(kind), std::get<2>(kind)}] += count;
  std::vector<std::pair<std::pair<std::int64_t, std::int64_t>, std::size_t>> order(sizes.begin(), sizes.end());
  std::ranges::stable_sort(order, [](const auto& a, const auto& b) { return a.second > b.second; });
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(kCommonest, order.size()); ++i) {
    const auto& [size, count] = order[i];
    list.push_back({{"width", size.first}, {"height", size.second}, {"photos", count}});
  }
  return {{"different", sizes.size()}, {"commonest", list}};
}

}  // namespace

void PhotoTally::add(const CropFacts& facts) {
  ++photos[{facts.width * facts.height, facts.width, facts.height, name_of(facts.format)}];
  faces_missed += facts.face_missed;
  with_junk += facts.notes.junk;
  dim += facts.notes.dim;
}

std::size_t PhotoTally::count() const {
  std::size_t sum = 0;
  for (const auto& [kind, count] : photos) sum += count;
  return sum;
}

std::size_t PhotoTally::smaller_than(int height, int width) const {
  std::size_t sum = 0;
  for (const auto& [kind, count] : photos) sum += std::get<1>(kind) < width || std::get<2>(kind) < height ? count : 0;
  return sum;
}

PhotoTally gather_tally(const PhotoTally& mine, const Ranks& ranks) {
  PhotoTally sum;
  for (const PhotoTally& theirs : gather(ranks, mine)) {
    for (const auto& [kind, count] : theirs.photos) sum.photos[kind] += count;
    sum.faces_missed += theirs.faces_missed;
    sum.with_junk += theirs.with_junk;
    sum.dim += theirs.dim;
  }
  return sum;
}

Json describe_photos(const PhotoTally& tally, const CropOptions& options) {
  std::map<std::string, std::size_t> formats;
  for (const auto& [kind, count] : tally.photos) formats[std::get<3>(kind)] += count;
  Json sizes = commonest_sizes(tally);
  if (!tally.photos.empty()) {
    sizes["smallest"] = size_json(tally.photos.begin()->first);
    sizes["largest"] = size_json(tally.photos.rbegin()->first);
  }
  Json photos = {{"used", tally.count()},
                 {"formats", formats},
                 {"sizes", sizes},
                 {"smaller_than_crop", tally.smaller_than(options.height, options.width)},
                 {"with_junk", tally.with_junk},
                 {"dim", tally.dim}};
  if (options.seeks_faces()) photos["without_face"] = tally.faces_missed;
  return photos;
}

std::vector<std::string> photo_warnings(const PhotoTally& tally, const CropOptions& options, bool may_change) {
  std::vector<std::string> lines;
  const std::string all = counted(static_cast<std::int64_t>(tally.count()), "photo");
  if (options.seeks_faces() && tally.faces_missed > 0) {
    const bool cropped = options.crop == CropMode::kFace, kept = options.remove_background && options.masks.empty();
    lines.push_back(fmt::format("no face was found in {} of {}: they {}{}{}{}", grouped(tally.faces_missed), all,
                                cropped ? "are cropped as with --crop center" : "", cropped && kept ? " and " : "",
                                kept ? "keep their background" : "",
                                may_change ? "; --preview shows some, another --detector may find more" : ""));
  }
  if (tally.dim > 0) {
    lines.push_back(fmt::format(
        "{} of {} have 16 bits per channel, but their brightest value is below 16384 of 65535: they come out nearly "
        "black; scale them to 8 bits",
        grouped(tally.dim), all));
  }
  if (const std::size_t small = tally.smaller_than(options.height, options.width); small > 0) {
    lines.push_back(fmt::format("enlarged {} of {}: a side is shorter than the crop's{}", grouped(small), all,
                                may_change ? "; a smaller --size avoids that" : ""));
  }
  return lines;
}

}  // namespace pleat
