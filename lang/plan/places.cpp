#include "lang/plan/places.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <variant>

namespace piperun::plan {
namespace {

// Span of the connector of the declaration with that name in the main file.
template <typename Declared>
Span connector_span(const sema::Program& files, const std::string& name, Span otherwise) {
  for (const sema::LoadedModule& file : files.modules) {
    for (const ast::Declaration& declaration : file.module.declarations) {
      const auto* found = std::get_if<Declared>(&declaration.node);
      if (found && declaration.name.text == name) return found->connector.path.span;
    }
  }
  return otherwise;
}

}  // namespace

const source::SourceFile* Places::file_of(const ir::Site& site) const {
  if (!texts || site.line == 0 || site.file >= files.size()) return nullptr;
  const source::SourceFile& file = texts->file(files[site.file]);
  return site.line > file.line_count() ? nullptr : &file;
}

Span Places::at(const ir::Site& site) const {
  const source::SourceFile* file = file_of(site);
  if (!file) return delivery;
  const std::uint32_t begin = file->offset({site.line, site.column});
  std::uint32_t end = begin;
  const std::string_view text = file->text();
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
  return {files[site.file], begin, end};
}

std::string Places::line_from(const ir::Site& site) const {
  const source::SourceFile* file = file_of(site);
  if (!file) return "";
  std::string_view line = file->line_text(site.line);
  line.remove_prefix(std::min<std::size_t>(site.column - 1, line.size()));
  // A comment has a blank before it; in a string that is rare, and only shortens the text.
  line = line.substr(0, line.find(" #"));
  return std::string(line.substr(0, line.find_last_not_of(" \t\r") + 1));
}

Places places_of(const ir::Program& program, const sema::Program& files, const sema::Facts& facts,
                 const source::SourceMap& texts) {
  Places places;
  places.delivery = facts.pipeline.delivery_span;
  places.texts = &texts;
  for (const std::string& path : program.files) places.files.push_back(texts.find(path).value_or(places.delivery.file));
  for (const ir::Source& source : program.sources) {
    places.sources.push_back(connector_span<ast::SourceDecl>(files, source.name, places.at(source.site)));
  }
  for (const ir::Sink& sink : program.sinks) {
    places.sinks.push_back(connector_span<ast::SinkDecl>(files, sink.name, places.at(sink.site)));
  }
  return places;
}

}  // namespace piperun::plan
