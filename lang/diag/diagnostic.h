// What the compiler has to say about a program: codes from diagnostics.def, and diagnostics as values.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lang/source/source.h"

namespace piperun::diag {

using source::Span;

enum class Severity : std::uint8_t { Error, Warning };

enum class Code : std::uint16_t {
#define DIAG(code, severity, title, explanation) code,
#include "lang/diag/diagnostics.def"
#undef DIAG
};

struct CodeInfo {
  Code code;
  std::string_view name;  // "P0401"
  Severity severity;
  std::string_view title;
  std::string_view explanation;  // starts and ends without blank lines
};

const CodeInfo& info(Code code);
const std::vector<CodeInfo>& all_codes();  // in the order of the table

// By name, in upper or lower case; null if there is no such code.
const CodeInfo* find_code(std::string_view name);

// A secondary label: the other half of a contradiction.
struct Label {
  Span span;
  std::string text;
};

struct Edit {
  Span span;  // empty: an insertion
  std::string replacement;
};

struct Help {
  std::string text;
  std::optional<Edit> edit;  // applying it mends the program
};

// Words often quote a part of the program, which may go over several lines: each newline with the blanks around it becomes one blank.
std::string one_line(std::string words);

// Built fluently: Diagnostic(Code::P0401, span).message("…").label("…").secondary(other, "…").help("…", edit)
struct Diagnostic {
  Diagnostic(Code code_, Span primary) : code(code_), span(primary), text(info(code_).title) {}

  Diagnostic& message(std::string words) { return text = one_line(std::move(words)), *this; }
  Diagnostic& label(std::string words) { return label_text = one_line(std::move(words)), *this; }
  Diagnostic& secondary(Span where, std::string words) {
    return secondaries.push_back({where, one_line(std::move(words))}), *this;
  }
  Diagnostic& help(std::string words) { return helps.push_back({one_line(std::move(words)), std::nullopt}), *this; }
  Diagnostic& help(std::string words, Span where, std::string replacement) {
    return helps.push_back({one_line(std::move(words)), Edit{where, std::move(replacement)}}), *this;
  }
  Diagnostic& note(std::string words) { return notes.push_back(one_line(std::move(words))), *this; }

  Severity severity() const { return info(code).severity; }

  Code code;
  Span span;
  std::string text;  // one line, without the code
  std::string label_text;  // behind the carets; may be empty
  std::vector<Label> secondaries;
  std::vector<Help> helps;
  std::vector<std::string> notes;
};

}  // namespace piperun::diag
