// The JSON form of a report (declared in render.h).
#include <fmt/format.h>

#include <algorithm>

#include "lang/diag/render.h"
#include "lang/value/text.h"
#include "lang/value/utf8.h"

namespace piperun::diag {

namespace {

// Invalid UTF-8 becomes U+FFFD: the output is always valid JSON.
std::string quoted(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = value::utf8_sequence(text);
    valid += length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  std::string out;
  value::append_json_string(out, valid);
  return out;
}

template <typename Item, typename Write>
std::string list(const std::vector<Item>& items, Write write) {
  std::vector<std::string> written;
  for (const Item& item : items) written.push_back(write(item));
  return fmt::format("[{}]", fmt::join(written, ","));
}

class Writer {
 public:
  explicit Writer(const source::SourceMap& sources) : sources_(sources) {}

  std::string diagnostic(const Diagnostic& it) const {
    const CodeInfo& code = info(it.code);
    return fmt::format(
        R"({{"code":{},"severity":{},"title":{},"message":{},"span":{},"label":{},"labels":{},"help":{},"notes":{}}})",
        quoted(code.name), quoted(code.severity == Severity::Error ? "error" : "warning"), quoted(code.title), quoted(it.text),
        span(it.span), quoted(it.label_text), list(it.secondaries, [&](const Label& label) { return this->label(label); }),
        list(it.helps, [&](const Help& help) { return this->help(help); }), list(it.notes, quoted));
  }

 private:
  std::string span(Span it) const {
    const source::SourceFile& file = sources_.file(it.file);
    const source::Place begin = file.place(it.begin);
    const source::Place end = file.place(it.end);
    return fmt::format(R"({{"file":{},"begin":{},"end":{},"line":{},"column":{},"end_line":{},"end_column":{}}})",
                       quoted(file.path()), it.begin, it.end, begin.line, begin.column, end.line, end.column);
  }

  std::string label(const Label& it) const { return fmt::format(R"({{"span":{},"text":{}}})", span(it.span), quoted(it.text)); }

  std::string help(const Help& it) const {
    if (!it.edit) return fmt::format(R"({{"text":{}}})", quoted(it.text));
    return fmt::format(R"({{"text":{},"edit":{{"span":{},"replacement":{}}}}})", quoted(it.text), span(it.edit->span),
                       quoted(it.edit->replacement));
  }

  const source::SourceMap& sources_;
};

}  // namespace

std::string to_json(const Report& report, const source::SourceMap& sources) {
  std::string out;
  const Writer writer(sources);
  for (const Diagnostic* each : report.sorted()) out += writer.diagnostic(*each) + "\n";
  return out;
}

}  // namespace piperun::diag
