#include "runtime/piperun/letter_filter.h"

#include <fmt/ostream.h>

#include <algorithm>

#include "lang/diag/render.h"
#include "lang/syntax/parser.h"
#include "lang/value/time.h"
#include "runtime/piperun/rows.h"

namespace piperun::cli {
namespace {

// The condition becomes a stage of a pipeline that is never run as such: so it has every function, and every diagnostic, of the language.
constexpr std::string_view kBefore = R"(pipeline letters { delivery = at_least_once }
type Letter {
  code: string, reason: string, sqlstate: string, at: string, unit: string, flow: string, topic: string
  partition: int64, offset: int64, element: int64, attempts: int64, replays: int64
  timestamp: timestamp, first_failure: timestamp, last_failure: timestamp
  key: string?, value: string?, kept: string
}
source letters: Letter = stdin { format = json }
sink accepted = stdout
flow accept {
  from letters
  filter )";
constexpr std::string_view kBehind = R"(
  to accepted
}
)";
constexpr const char* kName = "--where";

// What was found, as places in the condition alone: all that its user typed.
class Shown {
 public:
  Shown(const diag::Report& report, const std::string& condition)
      : file_(sources_.add(kName, condition)), size_(static_cast<std::uint32_t>(condition.size())) {
    for (const diag::Diagnostic* found : report.sorted()) report_.add(moved(*found));
  }

  std::string text(bool colour) const {
    diag::RenderOptions form;
    form.colour = colour;
    return diag::render(report_, sources_, form);
  }

 private:
  static bool is_typed(const source::Span& span, std::uint32_t size) {
    return span.begin >= kBefore.size() && span.end <= kBefore.size() + size;
  }

  // What lies behind the condition is meant at its end: something is missing there.
  source::Span moved(const source::Span& span) const {
    const auto place = [&](std::uint32_t at) {
      const auto before = static_cast<std::uint32_t>(kBefore.size());
      return std::min(at < before ? 0 : at - before, size_);
    };
    return {file_, place(span.begin), place(span.end)};
  }

  diag::Diagnostic moved(diag::Diagnostic found) const {
    found.span = moved(found.span);
    std::erase_if(found.secondaries, [&](const diag::Label& label) { return !is_typed(label.span, size_); });
    for (diag::Label& label : found.secondaries) label.span = moved(label.span);
    for (diag::Help& help : found.helps) {
      if (help.edit) help.edit->span = moved(help.edit->span);
    }
    return found;
  }

  source::SourceMap sources_;
  source::FileId file_;
  std::uint32_t size_;
  diag::Report report_;
};

std::string time_json(std::int64_t micros) {
  std::string out = "\"";
  value::append_timestamp(out, micros);
  return out + "\"";
}

std::optional<std::string> readable(const std::optional<std::string>& bytes) {
  return bytes && bytes_json(bytes).starts_with('{') ? std::nullopt : bytes;
}

std::string letter_fields(const commit::Letter& letter) {
  return fmt::format(
      "{{\"code\":{},\"reason\":{},\"sqlstate\":{},\"at\":{},\"unit\":{},\"flow\":{},\"topic\":{},\"partition\":{},\"offset\":{},"
      "\"element\":{},"
      "\"attempts\":{},\"replays\":{},\"timestamp\":{},\"first_failure\":{},\"last_failure\":{},\"key\":{},\"value\":{},"
      "\"kept\":{}}}",
      bytes_json(letter.code), bytes_json(letter.message), bytes_json(letter.sqlstate), bytes_json(letter.site),
      bytes_json(letter.unit), bytes_json(letter.flow), bytes_json(letter.origin.topic), letter.origin.number, letter.offset,
      letter.element, letter.attempts, letter.replays, time_json(letter.timestamp), time_json(letter.first_failure),
      time_json(letter.last_failure), bytes_json(readable(letter.key)), bytes_json(readable(letter.value)),
      bytes_json(std::string(name_of(letter.kept))));
}

// In the pipeline around it a text such as `true` and a stage in the next line would be no mistake.
bool is_expression(const std::string& text, World& world) {
  source::SourceMap sources;
  ast::Pool pool;
  diag::Report report;
  syntax::parse_expression(sources, sources.add(kName, text), pool, report);
  diag::RenderOptions form;
  form.colour = world.colour;
  world.err << diag::render(report, sources, form);
  return !report.has_errors();
}

}  // namespace

std::expected<LetterFilter, Exit> LetterFilter::make(const std::string& expression, World& world) {
  if (expression.empty()) return LetterFilter(nullptr, 0);
  if (!is_expression(expression, world)) return std::unexpected(Exit::Usage);
  CompileOptions options;
  options.local = true;
  options.environment = world.environment;
  options.files[kName] = fmt::format("{}{}{}", kBefore, expression, kBehind);
  auto compiled = compile_file(kName, options);
  if (!compiled) return std::unexpected(tell(compiled.error(), world));
  world.err << Shown(compiled->report, expression).text(world.colour);
  if (!compiled->ok()) return std::unexpected(Exit::Usage);
  return LetterFilter(std::make_unique<Compiled>(std::move(*compiled)), world.clock.now());
}

LetterFilter::LetterFilter(std::unique_ptr<Compiled> compiled, std::int64_t now) : compiled_(std::move(compiled)), now_(now) {
  if (!compiled_) return;
  const ir::Program& program = *compiled_->program;
  const engine::Options options = engine_options(*compiled_);
  const auto& nodes = program.units.front().dataflow.nodes;
  for (ir::NodeId id = 0; id < nodes.size(); ++id) {
    if (const auto* input = std::get_if<ir::Input>(&nodes[id].op))
      decoder_ = record::make_decoder(program, program.sources[input->source], nodes[id].output);
    if (const auto* apply = std::get_if<ir::Apply>(&nodes[id].op))
      functions_.emplace(id, expr::RowFunction::compile(program, apply->function, options.natives));
  }
}

bool LetterFilter::accepts(const commit::Letter& letter) {
  if (!compiled_) return true;
  constexpr std::size_t kCells = 256;  // more than all fields take
  const auto& nodes = compiled_->program->units.front().dataflow.nodes;
  value::Arena arena;
  std::vector<value::Cell> row(kCells), result(kCells);
  std::string text = letter_fields(letter);
  const std::size_t size = text.size();
  text.resize(size + record::kPadding);
  if (decoder_->decode(std::string_view(text).substr(0, size), arena, row.data())) return false;
  std::uint32_t port = 0;
  for (ir::NodeId id = 0; !std::holds_alternative<ir::Output>(nodes[id].op); id = nodes[id].next[port].front().to) {
    port = 0;
    if (!functions_.contains(id)) continue;
    const expr::Outcome outcome = functions_.at(id).run(row.data(), {arena, now_}, result.data());
    if (outcome.kind != expr::Outcome::Kind::Emit) return false;
    port = outcome.port;
    std::swap(row, result);
  }
  return true;
}

}  // namespace piperun::cli
