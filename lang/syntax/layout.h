// The rules that PEGTL does not have: where a newline counts, nodes of the tree, mistakes with a place, blocks that recover.
// A token eats the gap (blanks, comments) behind it. `need<R>` means: R, or a mistake here.
#pragma once
#include <tao/pegtl.hpp>
#include <tao/pegtl/contrib/analyze_traits.hpp>

#include <algorithm>
#include <string_view>

#include "lang/syntax/tree.h"

namespace piperun::syntax::rules {
namespace p = tao::pegtl;

using Input = p::memory_input<p::tracking_mode::eager, p::eol::lf_crlf, const char*>;
using Position = p::internal::iterator;  // data, byte, line, column

constexpr unsigned kMaxDepth = 200;

// ---- State

enum class Newline { EndsItem, IsBlank, IsForbidden };  // in an item; inside ( ) and [ ]; inside the {…} of a string

struct Layout {
  Newline newline = Newline::EndsItem;
  std::size_t indent = 0;         // column at which the line of the current item begins
  std::size_t owner_indent = 0;   // the same for the item that opened the current block; 0 in the file itself
  std::size_t owner_line = 0;     // line of that block's `{`
  std::size_t sibling_indent = 0; // column of the block's first item; 0 until it is met
  unsigned depth = 0;             // nesting of expressions and types
};

struct State {
  Reading result;
  Layout layout;
  Position gap_begin{nullptr};  // the last gap: a mistake can stand behind the token before it
  Position gap_end{nullptr};
  const char* suspect = nullptr;   // `{` of a block whose `}` begins a line too far left to be its own
  std::size_t suspect_byte = 0;
  const char* unclosed = nullptr;  // where a block was ended although its `}` is missing
  std::size_t measured_line = 0, measured_indent = 0;
};

struct Thrown {  // by need<>, caught and kept by item<>
  Position where;
  Mistake mistake;
};

// Control without PEGTL's hooks; nothing here has actions.
template <typename Rule>
struct plain_control : p::normal<Rule> {
  static constexpr bool enable = false;
};

template <typename R>
bool attempt(Input& in, State& st) {  // on failure nothing is consumed
  return plain_control<R>::template match<p::apply_mode::nothing, p::rewind_mode::required, p::nothing, plain_control>(in, st);
}

template <typename R>
bool looks_like(Input& in, State& st) {  // R contains no node<>
  return attempt<p::at<R>>(in, st);
}

// The signature that PEGTL asks of a rule that sees the state.
#define PIPERUN_MATCH                                                                                  \
  template <p::apply_mode, p::rewind_mode, template <typename...> class, template <typename...> class> \
  static bool match([[maybe_unused]] Input& in, [[maybe_unused]] State& st)

template <typename Self, typename... R>
struct custom {
  using rule_t = Self;
  using subs_t = p::type_list<R...>;
};

inline std::uint32_t offset(std::size_t byte) { return static_cast<std::uint32_t>(byte); }

// What is missing is reported behind the token before it, unless something else stands there on the same line.
[[noreturn]] inline void fail(const Input& in, const State& st, Mistake mistake) {
  const Position& here = in.iterator();
  const bool behind_gap = here.data == st.gap_end.data;
  mistake.at_line_end = behind_gap && (in.empty() || *here.data == '\n' || st.gap_begin.line < here.line);
  const Position& where = mistake.at_line_end ? st.gap_begin : here;
  mistake.at = offset(where.byte);
  throw Thrown{where, mistake};
}

// ---- Words, signs, gaps

template <std::size_t N>
struct Text {
  char chars[N];
  consteval Text(const char (&text)[N]) { std::copy_n(text, N, chars); }
  constexpr std::string_view view() const { return {chars, N - 1}; }
};

template <Text T>
struct bare_sign : custom<bare_sign<T>> {
  PIPERUN_MATCH {
    if (!std::string_view(in.current(), in.size()).starts_with(T.view())) return false;
    in.bump_in_this_line(T.view().size());
    return true;
  }
};

template <Text T>
struct bare_word : p::seq<bare_sign<T>, p::not_at<p::identifier_other>> {};
template <Text... T>
struct any_bare_word : p::sor<bare_word<T>...> {};

template <bool GoesOn>  // GoesOn: the line goes on here, a newline is blank even where it would end the item
struct skip_gap : custom<skip_gap<GoesOn>> {
  PIPERUN_MATCH {
    const Newline newline = st.layout.newline;
    const bool over_lines = newline == Newline::IsBlank || (GoesOn && newline == Newline::EndsItem);
    if (in.current() != st.gap_end.data) st.gap_begin = in.iterator();
    while (!in.empty()) {
      const char c = in.peek_char();
      if (c == ' ' || c == '\t' || c == '\r') in.bump_in_this_line();
      else if (c == '\n' && over_lines) in.bump_to_next_line();
      else if (c == '#' && newline != Newline::IsForbidden) skip_comment(in);
      else break;
    }
    st.gap_end = in.iterator();
    return true;
  }
  static void skip_comment(Input& in) {
    while (!in.empty() && in.peek_char() != '\n') in.bump_in_this_line();
  }
};
struct gap : skip_gap<false> {};
struct goes_on : skip_gap<true> {};

struct after_newline : custom<after_newline> {  // this token is the first on its line
  PIPERUN_MATCH { return in.current() == st.gap_end.data && st.gap_begin.line < in.line(); }
};

// What begins a continued line is indented deeper than its item: `filter total >` cannot swallow the stage below it.
struct deeper : custom<deeper> {
  PIPERUN_MATCH { return !attempt<after_newline>(in, st) || in.column() > st.layout.indent; }
};

// ---- need<R>: R, or a mistake

template <typename R>
constexpr std::string_view expectation() {
  if constexpr (requires { R::expected; }) return R::expected;
  else return R::quoted.view();
}

template <typename R>
constexpr diag::Code mistake_code() {
  if constexpr (requires { R::code; }) return R::code;
  else return diag::Code::P0101;
}

template <typename R>
struct need_one : custom<need_one<R>, R> {
  PIPERUN_MATCH {
    if (attempt<R>(in, st)) return true;
    constexpr bool is_word = requires { R::quoted; };
    fail(in, st, {.code = mistake_code<R>(), .expected = expectation<R>(), .is_word = is_word});
  }
};
template <typename... R>
struct need : p::seq<need_one<R>...> {};

// ---- Nodes

inline std::uint32_t node_end(const Input& in, const State& st) {
  return offset(in.current() == st.gap_end.data ? st.gap_begin.byte : in.byte());
}

template <Kind K, bool OnlyIfMany, typename... R>
struct make_node : custom<make_node<K, OnlyIfMany, R...>, R...> {
  PIPERUN_MATCH {
    const std::size_t mark = st.result.tree.mark();
    const std::uint32_t begin = offset(in.byte());
    if (!attempt<p::seq<R...>>(in, st)) {
      st.result.tree.drop(mark);
      return false;
    }
    if (!OnlyIfMany || st.result.tree.mark() - mark > 1) st.result.tree.close(K, mark, begin, node_end(in, st));
    return true;
  }
};
template <Kind K, typename... R>
struct node : make_node<K, false, R...> {};
template <Kind K, typename... R>
struct node_if_many : make_node<K, true, R...> {};  // of one child: that child

// ---- Brackets and depth

template <Newline Mode, typename... R>
struct with_newline : custom<with_newline<Mode, R...>, R...> {  // a string's {…} stays on its line, whatever is nested in it
  PIPERUN_MATCH {
    const Newline outer = st.layout.newline;
    if (outer != Newline::IsForbidden) st.layout.newline = Mode;
    const bool matched = attempt<p::seq<R...>>(in, st);
    st.layout.newline = outer;
    return matched;
  }
};

template <char Close, bool Commas>
constexpr std::string_view kClosing = Commas ? (Close == ')' ? "`,` or `)`" : "`,` or `]`") : (Close == ')' ? "`)`" : "`]`");

// Open, Body, Close; inside, a newline is blank. Body fails only by a mistake. Leaves the gap behind Close alone.
template <char Open, char Close, bool Commas, typename Body>
struct enclosed : custom<enclosed<Open, Close, Commas, Body>, Body> {
  PIPERUN_MATCH {
    if (in.empty() || in.peek_char() != Open) return false;
    const std::size_t opened = in.byte();
    in.bump_in_this_line();
    (void)attempt<with_newline<Newline::IsBlank, gap, Body>>(in, st);
    if (in.empty() || in.peek_char() != Close) {
      fail(in, st, {.code = diag::Code::P0103, .expected = kClosing<Close, Commas>, .opened = offset(opened)});
    }
    in.bump_in_this_line();
    return true;
  }
};

template <typename... R>
struct nested : custom<nested<R...>, R...> {
  PIPERUN_MATCH {
    if (++st.layout.depth > kMaxDepth) fail(in, st, {.code = diag::Code::P0109, .expected = "less nesting"});
    const bool matched = attempt<p::seq<R...>>(in, st);
    --st.layout.depth;
    return matched;
  }
};

}  // namespace piperun::syntax::rules

// What analyze() has to know about these rules.
namespace tao::pegtl {
namespace piperun_rules = piperun::syntax::rules;
template <typename N, piperun_rules::Text T>
struct analyze_traits<N, piperun_rules::bare_sign<T>> : analyze_any_traits<> {};
template <typename N, bool G>
struct analyze_traits<N, piperun_rules::skip_gap<G>> : analyze_opt_traits<> {};
template <typename N>
struct analyze_traits<N, piperun_rules::after_newline> : analyze_opt_traits<> {};
template <typename N>
struct analyze_traits<N, piperun_rules::deeper> : analyze_opt_traits<> {};
template <typename N, typename R>
struct analyze_traits<N, piperun_rules::need_one<R>> : analyze_seq_traits<R> {};
template <typename N, piperun::syntax::Kind K, bool M, typename... R>
struct analyze_traits<N, piperun_rules::make_node<K, M, R...>> : analyze_seq_traits<R...> {};
template <typename N, piperun_rules::Newline M, typename... R>
struct analyze_traits<N, piperun_rules::with_newline<M, R...>> : analyze_seq_traits<R...> {};
template <typename N, char O, char C, bool L, typename B>
struct analyze_traits<N, piperun_rules::enclosed<O, C, L, B>> : analyze_seq_traits<any, B> {};
template <typename N, typename... R>
struct analyze_traits<N, piperun_rules::nested<R...>> : analyze_seq_traits<R...> {};
}  // namespace tao::pegtl
