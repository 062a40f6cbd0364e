#include "lang/diag/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lang/diag/excerpt.h"

namespace piperun::diag {

namespace {

// The marks of a diagnostic by file, the primary's file first.
std::vector<std::pair<source::FileId, std::vector<Mark>>> marks_by_file(const Diagnostic& diagnostic) {
  std::vector<std::pair<source::FileId, std::vector<Mark>>> files;
  files.push_back({diagnostic.span.file, {{diagnostic.span, diagnostic.label_text, true}}});
  for (const Label& label : diagnostic.secondaries) {
    auto found = std::ranges::find(files, label.span.file, [](const auto& entry) { return entry.first; });
    if (found == files.end()) found = files.insert(files.end(), {label.span.file, {}});
    found->second.push_back({label.span, label.text, false});
  }
  return files;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// Which are shown when there are too many: warnings give way to errors.
std::vector<const Diagnostic*> shown_of(const Report& report, std::size_t limit) {
  std::size_t errors = std::min(report.error_count(), limit);
  std::size_t warnings = limit - errors;
  std::vector<const Diagnostic*> shown;
  for (const Diagnostic* each : report.sorted()) {
    std::size_t& left = each->severity() == Severity::Error ? errors : warnings;
    if (left == 0) continue;
    --left;
    shown.push_back(each);
  }
  return shown;
}

std::string summary(const Report& report, std::size_t shown) {
  std::vector<std::string> parts;
  if (report.error_count() > 0) parts.push_back(counted(report.error_count(), "error"));
  if (report.warning_count() > 0) parts.push_back(counted(report.warning_count(), "warning"));
  const std::size_t hidden = report.error_count() + report.warning_count() - shown;
  return fmt::format("{}{}\n", fmt::join(parts, ", "), hidden > 0 ? fmt::format("; the first {} are shown", shown) : "");
}

}  // namespace

std::string render(const Diagnostic& diagnostic, const source::SourceMap& sources, const RenderOptions& options) {
  const CodeInfo& code = info(diagnostic.code);
  const bool is_error = code.severity == Severity::Error;
  const auto files = marks_by_file(diagnostic);
  ExcerptStyle style{.line_width = options.line_width, .primary = is_error ? Ink::Error : Ink::Warning, .colour = options.colour};
  for (const auto& [file, marks] : files) style.gutter = std::max(style.gutter, gutter_width(sources.file(file), marks));

  const std::string margin(style.gutter, ' ');
  const auto gutter = [&](std::string text) { return inked(Ink::Gutter, std::move(text), options.colour); };
  std::string out = inked(style.primary, fmt::format("{}[{}]", is_error ? "error" : "warning", code.name), options.colour) +
                    inked(Ink::Strong, ": " + printable(diagnostic.text), options.colour) + "\n";
  for (const auto& [file, marks] : files) {
    const std::string_view arrow = file == diagnostic.span.file ? "-->" : ":::";
    out += gutter(margin + std::string(arrow)) + " " + printable(sources.where(marks.front().span)) + "\n";
    out += gutter(margin + " |") + "\n";
    out += excerpt(sources.file(file), marks, style);
  }
  const auto remark = [&](std::string_view kind, const std::string& text) {
    out += gutter(margin + " =") + " " + inked(Ink::Help, std::string(kind) + ":", options.colour) + " " + printable(text) + "\n";
  };
  for (const std::string& note : diagnostic.notes) remark("note", note);
  for (const Help& help : diagnostic.helps) remark("help", help.text);
  return out;
}

std::string render(const Report& report, const source::SourceMap& sources, const RenderOptions& options) {
  if (report.empty()) return "";
  std::string out;
  const auto shown = shown_of(report, options.limit);
  for (const Diagnostic* each : shown) out += render(*each, sources, options) + "\n";
  return out + summary(report, shown.size());
}

}  // namespace piperun::diag
