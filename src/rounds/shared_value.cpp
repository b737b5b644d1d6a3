#include "rounds/shared_value.h"

#include "base/fields.h"

namespace pleat {

std::string from_rank_0(const Ranks& ranks, const std::function<std::string()>& decide) {
  std::string value;
  together(ranks, [&] {
    if (ranks.rank == 0) value = decide();
  });
  return ranks.all_gather(value).front();
}

std::string plan_to_text(const FoldPlan& plan) {
  return Json{
      {"k", plan.k}, {"repeats", plan.repeats}, {"ids", plan.ids}, {"groups", plan.groups}, {"fold_of", plan.fold_of}}
      .dump();
}

FoldPlan plan_from_text(const std::string& text) {
  const Json json = Json::parse(text);
  return {.k = json["k"],
          .repeats = json["repeats"],
          .ids = json["ids"],
          .groups = json["groups"],
          .fold_of = json["fold_of"]};
}

}  // namespace pleat
