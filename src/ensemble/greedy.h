// Greedy ensemble selection with replacement.
// Source: Caruana et al., Ensemble selection from libraries of models, ICML 2004.
#pragma once

#include <string>
#include <vector>

#include "ensemble/candidates.h"

namespace pleat {

inline constexpr int kMostPicks = 40;

/// Picks candidates one by one. Each pick gives the mean of all picks so far the best score; equal scores are decided
/// by log-loss, then by order. Returns the shortest prefix of kMostPicks picks that reaches the best score.
///   rows: those to score on; at least one
///   score: "macro_f1", "accuracy" or "log_loss"
/// Memory: half the candidates' tables of `rows`, and one more table. The result is the same for any number of threads.
/// Throws: UsageError for another score.
std::vector<int> greedy_picks(const Candidates& candidates, const RowList& rows, const std::string& score);

/// The share of the picks that each candidate has.
std::vector<double> weights_of_picks(const std::vector<int>& picks, std::size_t candidates);

}  // namespace pleat
