// Sections of a test as text: what stands in them, and what is true of those about the program alone (diagnostics, explain, ast, ir).
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "runtime/piperun/compile.h"
#include "runtime/piperun/test_file.h"

namespace piperun::cli {

// Without blank lines at the end.
std::vector<std::string> lines_of(const std::string& text);
std::string text_of(const Section& section);

bool is_about_text(SectionKind kind);
// What is there for such a section; an error: why there is nothing. `options`: those that `path` was compiled with.
std::expected<std::string, std::string> section_about(SectionKind kind, const std::string& path, const Compiled& compiled,
                                                      const CompileOptions& options);

}  // namespace piperun::cli
