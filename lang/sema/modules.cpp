// Reads the files of a program: the main one, and what it uses.
#include <fmt/format.h>

#include <algorithm>

#include "lang/diag/suggest.h"
#include "lang/sema/analyze.h"
#include "lang/syntax/parser.h"

namespace piperun::sema {

namespace {

using diag::Code;

bool names_folder(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name.empty() || name == "." || name == "..";
}

class Loading {
 public:
  Loading(ModuleLoader& loader, source::SourceMap& sources, diag::Report& report)
      : loader_(loader), sources_(sources), report_(report) {}

  std::uint32_t read(source::FileId file, std::string key, std::string name, bool is_standard) {
    const auto index = static_cast<std::uint32_t>(program.modules.size());
    indices_[key] = index;
    program.modules.push_back({syntax::parse(sources_, file, program.pool, report_), std::move(name), is_standard, {}});
    open_.push_back(key);
    const std::vector<ast::Declaration> declarations = program.modules[index].module.declarations;
    for (const ast::Declaration& declaration : declarations) {
      const auto* use = std::get_if<ast::UseDecl>(&declaration.node);
      if (use == nullptr || declaration.name.text.empty()) continue;
      if (const auto used = resolve(*use, declaration, file)) program.modules[index].uses[declaration.name.text] = *used;
    }
    open_.pop_back();
    return index;
  }

  Program program;

 private:
  std::optional<std::uint32_t> resolve(const ast::UseDecl& use, const ast::Declaration& declaration, source::FileId user) {
    return use.file ? resolve_file(*use.file, declaration.name.text, user) : resolve_standard(use.module);
  }

  std::optional<std::uint32_t> resolve_standard(const ast::Path& path) {
    const bool is_std = path.parts.size() == 2 && path.parts[0].text == "std";
    const std::string name = is_std ? path.parts[1].text : "";
    if (const auto known = indices_.find("std." + name); is_std && known != indices_.end()) return circle_or(known, path.span);
    auto text = is_std ? loader_.standard(name) : std::nullopt;
    if (text) return read(sources_.add(fmt::format("std/{}.pipe", name), std::move(*text)), "std." + name, name, true);
    auto& found = report_.add(Code::P0219, path.span).message(fmt::format("there is no module `{}`", sources_.text(path.span)));
    if (!is_std) {
      found.help("the standard library: `use std.text`; a file: `use \"./money.pipe\" as money`");
      return std::nullopt;
    }
    if (const auto near = diag::suggest(name, loader_.standard_names())) {
      found.help(fmt::format("did you mean `std.{}`?", *near), path.parts[1].span, *near);
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> resolve_file(const ast::Name& file, const std::string& alias, source::FileId user) {
    const std::string& from = sources_.file(user).path();
    const std::size_t slash = from.rfind('/');
    std::string path = file.text;
    if (path.starts_with("./")) path.erase(0, 2);
    if (!path.starts_with('/') && slash != std::string::npos) path = from.substr(0, slash + 1) + path;
    if (const auto known = indices_.find(path); known != indices_.end()) return circle_or(known, file.span);
    const bool is_folder = names_folder(file.text);
    auto text = is_folder ? std::nullopt : loader_.file(path);
    if (!text) {
      report_.add(Code::P0219, file.span)
          .message(is_folder ? fmt::format("`{}` is a folder, and a module is a file", file.text)
                             : fmt::format("the file `{}` cannot be read", path))
          .note("a path is relative to the file that says it");
      return std::nullopt;
    }
    return read(sources_.add(path, std::move(*text)), path, alias, false);
  }

  std::optional<std::uint32_t> circle_or(std::map<std::string, std::uint32_t>::const_iterator known, source::Span span) {
    if (std::ranges::find(open_, known->first) == open_.end()) return known->second;
    report_.add(Code::P0210, span).message("modules use each other in a circle").help("put what both need into a third file");
    return std::nullopt;
  }

  ModuleLoader& loader_;
  source::SourceMap& sources_;
  diag::Report& report_;
  std::map<std::string, std::uint32_t> indices_;
  std::vector<std::string> open_;
};

}  // namespace

Program load(source::FileId main, ModuleLoader& loader, source::SourceMap& sources, diag::Report& report) {
  Loading loading(loader, sources, report);
  loading.read(main, sources.file(main).path(), "", false);
  return std::move(loading.program);
}

}  // namespace piperun::sema
