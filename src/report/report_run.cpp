#include "report/report_run.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/files.h"
#include "base/run_log.h"
#include "base/utf8.h"
#include "base/wording.h"
#include "report/page.h"
#include "report/page_blocks.h"
#include "report/sweep_view.h"
#include "report/views.h"

namespace pleat {
namespace fs = std::filesystem;
namespace {

struct Made {
  Page page;
  std::vector<std::string> missing;
  std::size_t photos = 0;
};

std::string subtitle_of(const ReportData& data) {
  std::string text;
  if (!data.targets.empty()) {
    text = fmt::format("{}, {}, {}", counted(std::int64_t(data.plan().ids.size()), "labelled row"),
                       counted(data.plan().k, "fold"), counted(std::int64_t(data.targets.size()), "target"));
  }
  if (data.source.record) text += fmt::format("{}pleat {}", text.empty() ? "" : "; ", data.source.record->pleat);
  return text;
}

// A section that cannot be made costs itself only: a file may hold JSON of another kind than expected.
template <class View>
Json section_of(const char* name, const View& view, Made& made) try {
  return view();
} catch (const std::exception& error) {
  made.missing.push_back(fmt::format("The section {} is missing: {}.", name, error.what()));
  return page_section(name, name);
}

void add_run(ReportData& data, Made& made) {
  std::vector<Json> sections;
  const auto add = [&](const char* name, const auto& view) {
    sections.push_back(section_of(
        name, [&] { return view(data); }, made));
  };
  made.missing = data.source.missing;
  add("Leaderboard", leaderboard_view);
  add("Rounds", rounds_view);
  add("Learning curves", curves_view);
  add("Confusion", confusion_view);
  add("Classes and slices", slices_view);
  add("Suspect labels", suspects_view);
  add("Confidence", calibration_view);
  add("Data", data_view);
  add("Failures", failures_view);
  if (!data.album.missing().empty()) made.missing.push_back(data.album.missing());
  data.source.missing = made.missing;  // the verdict comes first, and tells all of them
  made.page.sections.push_back(section_of(
      "Verdict", [&] { return verdict_view(data); }, made));
  for (Json& section : sections) made.page.sections.push_back(std::move(section));
  data.scripted["pictures"] = data.album.pictures();
  made.page.scripted = std::move(data.scripted);
  made.photos = data.album.pictures().size();
}

Made make_page(const ReportRequest& request) {
  Made made;
  const std::optional<SweepSource> sweep = find_sweep(request.run);
  if (sweep) {
    made.page.title = "Sweep " + shown(resolved_path(request.run).filename().string(), 120);
    made.page.sections.push_back(sweep_view(*sweep));
    if (sweep->best.empty()) return made;
  }
  ReportData data = read_report_data(sweep ? sweep->best_run() : request.run, request.crops);
  if (!sweep) made.page.title = "Run " + shown(data.source.name, 120);
  made.page.subtitle = subtitle_of(data);
  add_run(data, made);
  return made;
}

std::string size_text(std::size_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

}  // namespace

void report_run(const ReportRequest& request) {
  const fs::path html = request.out.empty() ? request.run / "report.html" : request.out;
  fs::path markdown = html;
  markdown.replace_extension(".md");
  if (markdown == html)
    throw UsageError("--out {} ends in .md, which is reserved for the Markdown; choose a name that ends in .html",
                     shown(html.string()));
  require_replaceable(html, kPageStart, "page of pleat report", {}, "--out");
  require_replaceable(markdown, kMarkdownStart, "Markdown of pleat report", {}, "--out");
  const Made made = make_page(request);
  const std::string page = render_html(made.page);
  write_file(html, page);
  write_file(markdown, render_markdown(made.page));
  for (const std::string& sentence : made.missing) spdlog::warn("{}", sentence);
  print_result(fmt::format("{} ({}, {}), {}\n", html.string(), size_text(page.size()),
                           counted(std::int64_t(made.photos), "photo"), markdown.string()));
}

void report_finished_run(const fs::path& run) try { report_run({.run = run}); } catch (const std::exception& error) {
  spdlog::warn("no report was written: {}; run pleat report {}", error.what(), shown(run.string()));
}

}  // namespace pleat
