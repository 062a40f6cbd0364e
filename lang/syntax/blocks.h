// Items and their blocks, told apart by indentation, and how the parser goes on behind a mistake.
#pragma once
#include "lang/syntax/layout.h"

namespace piperun::syntax::rules {

struct comment : p::seq<p::one<'#'>, p::until<p::at<p::eolf>>> {};
struct lines : p::star<p::sor<p::plus<p::space>, comment>> {};  // between items

inline std::size_t line_indent(const Input& in, State& st) {  // remembered: a line can hold many items
  if (in.line() != st.measured_line) {
    const char* begin = in.current() - (in.column() - 1);
    st.measured_indent = 1 + std::size_t(std::find_if(begin, in.end(), [](char c) { return c != ' ' && c != '\t'; }) - begin);
    st.measured_line = in.line();
  }
  return st.measured_indent;
}

inline bool begins_line(const Input& in, State& st) { return in.column() == line_indent(in, st); }

inline void go_to_next_line(Input& in) {
  while (!in.empty() && in.peek_char() != '\n') in.bump_in_this_line();
  if (in.empty()) return;
  in.bump_to_next_line();
  while (!in.empty() && (in.peek_char() == ' ' || in.peek_char() == '\t')) in.bump_in_this_line();
}

// Goes to the next line indented no deeper than `indent`, lines excepted that can only close or continue the failed item.
// A closing brace is one if it stands deeper than the block's own line.
template <typename Item>
void skip_failed_item(Input& in, State& st, std::size_t indent, std::size_t owner_indent, bool wants_more) {
  constexpr std::string_view kContinues = "\r\n#{([)].,:?+-*/%=<>!";
  using continues = any_bare_word<"and", "or", "then", "else", "catch">;
  for (;;) {
    go_to_next_line(in);
    if (in.empty()) return;
    const char c = in.peek_char();
    if (in.column() > indent || kContinues.find(c) != std::string_view::npos) continue;
    if (c == '}') {
      if (in.column() <= owner_indent) return;
      continue;
    }
    if (looks_like<typename Item::head>(in, st)) return;
    if (!wants_more && !looks_like<continues>(in, st)) return;
  }
}

// One item of a block. Whatever is wrong in it is one mistake. In a one-line block the owner of the line reports and recovers.
template <typename Item>
struct item : custom<item<Item>> {
  using complete = p::seq<need_one<Item>, need_one<typename Item::end>>;
  PIPERUN_MATCH {
    if (in.line() == st.layout.owner_line) return attempt<complete>(in, st);
    const std::size_t indent = line_indent(in, st);
    if (st.layout.sibling_indent == 0) st.layout.sibling_indent = indent;
    const Layout outer = st.layout;
    st.layout.indent = indent;
    st.gap_end.data = nullptr;  // the newline before an item does not make it a continued line
    const std::size_t mark = st.result.tree.mark();
    const std::size_t begin = in.byte();
    try {
      (void)attempt<complete>(in, st);
    } catch (const Thrown& thrown) {
      st.result.mistakes.push_back(thrown.mistake);
      in.iterator() = thrown.where;
      skip_failed_item<Item>(in, st, std::min(indent, outer.sibling_indent), outer.owner_indent, thrown.mistake.at_line_end);
      st.result.tree.close(Kind::Failed, mark, offset(begin), thrown.mistake.at);
    }
    st.layout = outer;
    return true;
  }
};

// `{`, items, `}`. A missing `}` is reported at its `{`, and what was read counts.
template <typename Item>
struct block : custom<block<Item>, item<Item>> {
  static constexpr std::string_view expected = "`{`";

  PIPERUN_MATCH {
    const Position opened = in.iterator();
    if (!attempt<bare_sign<"{">>(in, st)) return false;
    const Layout outer = st.layout;
    const bool in_string = outer.newline == Newline::IsForbidden;
    st.layout = {in_string ? Newline::IsForbidden : Newline::EndsItem, outer.indent, outer.indent, opened.line, 0, outer.depth};
    for (;;) {
      if (in_string) (void)attempt<gap>(in, st);
      else (void)attempt<lines>(in, st);
      if (is_unclosed(in, st)) {
        report_unclosed(in, st, opened);
        break;
      }
      if (in.peek_char() == '}') {
        close(in, st, opened);
        break;
      }
      (void)attempt<item<Item>>(in, st);
    }
    st.layout = outer;
    return attempt<gap>(in, st);
  }

  // No `}` where one must be: at the end of the file, or before a line that is too far left and no item of this block.
  static bool is_unclosed(Input& in, State& st) {
    if (in.empty()) return true;
    return begins_line(in, st) && in.column() <= st.layout.owner_indent && in.peek_char() != '}' &&
           !looks_like<typename Item::head>(in, st);
  }
  static void report_unclosed(Input& in, State& st, const Position& opened) {
    const std::size_t at = st.suspect > opened.data ? st.suspect_byte : opened.byte;
    st.result.mistakes.push_back({.at = offset(at), .code = diag::Code::P0102, .expected = "`}`", .opened = offset(at)});
    st.unclosed = in.current();
  }
  static void close(Input& in, State& st, const Position& opened) {
    const bool is_anothers = begins_line(in, st) && in.column() < st.layout.owner_indent;
    if (!is_anothers) {
      st.suspect = nullptr;
    } else if (!st.suspect) {
      st.suspect = opened.data;
      st.suspect_byte = opened.byte;
    }
    in.bump_in_this_line();
  }
};

struct after_unclosed : custom<after_unclosed> {
  PIPERUN_MATCH { return in.current() == st.unclosed; }
};

}  // namespace piperun::syntax::rules

// What analyze() has to know about these rules.
namespace tao::pegtl {
template <typename N>
struct analyze_traits<N, piperun_rules::after_unclosed> : analyze_opt_traits<> {};
template <typename N, typename I>
struct analyze_traits<N, piperun_rules::item<I>> : analyze_seq_traits<typename piperun_rules::item<I>::complete> {};
template <typename N, typename I>
struct analyze_traits<N, piperun_rules::block<I>> : analyze_seq_traits<any, piperun_rules::lines, piperun_rules::item<I>> {};
}  // namespace tao::pegtl
