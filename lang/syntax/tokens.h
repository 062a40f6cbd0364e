// Tokens: words, signs, names, numbers, timestamps, strings. All but the parts of strings eat the gap behind them.
#pragma once
#include "lang/syntax/layout.h"

namespace piperun::syntax::rules {

using diag::Code;

// ---- Words and signs

template <Text T>
struct word : p::seq<bare_word<T>, gap> {
  static constexpr auto quoted = T;
};
template <Text T>
struct sign : p::seq<bare_sign<T>, gap> {
  static constexpr auto quoted = T;
};
template <Text T>
struct infix_word : p::seq<node<Kind::Sign, bare_word<T>>, goes_on> {};  // the line goes on behind it
template <Text T>
struct infix : p::seq<node<Kind::Sign, bare_sign<T>>, goes_on> {};
struct comma : p::seq<p::one<','>, goes_on> {};
struct single_equals : p::seq<p::one<'='>, p::not_at<p::one<'='>>> {};
struct equals : p::seq<single_equals, goes_on> {
  static constexpr std::string_view expected = "`=`";
};

// An item ends at a newline and before the `}` of its block; a comma ends it where items are not stages.
struct at_line_end : p::sor<p::at<p::sor<p::eolf, p::one<'}'>>>, after_unclosed> {};
struct end_of_line : at_line_end {
  static constexpr std::string_view expected = "the end of the line";
  static constexpr Code code = Code::P0119;
};
struct end_of_item : p::sor<p::one<','>, at_line_end> {
  static constexpr std::string_view expected = "`,` or the end of the line";
  static constexpr Code code = Code::P0119;
};

// ---- Names

struct quoted_name_text : p::seq<p::one<'"'>, p::plus<p::not_one<'"', '\\', '\n'>>, p::one<'"'>> {};
struct any_name_text : p::sor<p::identifier, quoted_name_text> {};
struct identifier : node<Kind::Name, p::identifier> {
  static constexpr std::string_view expected = "a name";
};
struct any_name : node<Kind::Name, any_name_text> {
  static constexpr std::string_view expected = "a name";
};
struct name : p::seq<deeper, identifier, gap> {
  static constexpr std::string_view expected = "a name";
};
struct field_name : p::seq<deeper, any_name, gap> {
  static constexpr std::string_view expected = "a field name";
};
struct path : p::seq<deeper, node<Kind::Path, any_name, p::star<p::one<'.'>, need<any_name>>>, gap> {
  static constexpr std::string_view expected = "a name";
};
struct names : p::seq<name, p::star<comma, need<name>>> {
  static constexpr std::string_view expected = "a name";
};
struct paths : p::seq<path, p::star<comma, need<path>>> {
  static constexpr std::string_view expected = "a field name";
};
struct plain_string : p::seq<node<Kind::PlainString, quoted_name_text>, gap> {
  static constexpr std::string_view expected = "a string";
};

// ---- Lists in brackets

// A comma may also stand before a closing bracket that begins a line; `f(a, )` has lost something.
template <char Close>
struct list_end : p::seq<after_newline, p::at<p::one<Close>>> {};
template <char Close, typename R>
struct list_body : p::opt<R, p::star<sign<",">, p::sor<list_end<Close>, need<R>>>> {};
template <char Open, char Close, typename R>
struct bracketed : enclosed<Open, Close, true, list_body<Close, R>> {};

// ---- Numbers

struct digits : p::list<p::plus<p::digit>, p::one<'_'>> {};
struct no_leading_zero : p::not_at<p::one<'0'>, p::one<'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '_'>> {
  static constexpr std::string_view expected = "a number without a leading 0";
  static constexpr Code code = Code::P0114;
};
struct fraction : p::seq<p::one<'.'>, digits> {};  // a digit must follow: `0..9` is a range
struct exponent : p::seq<p::one<'e', 'E'>, p::opt<p::one<'+', '-'>>, p::plus<p::digit>> {};
struct unit : any_bare_word<"us", "ms", "s", "m", "h", "d"> {};
struct number_end : p::not_at<p::identifier_other> {
  static constexpr std::string_view expected = "one of the units us ms s m h d";
  static constexpr Code code = Code::P0106;
};
struct lone_point : p::seq<p::one<'.'>, p::not_at<p::one<'.'>>> {};
struct no_lone_point : p::not_at<lone_point> {
  static constexpr std::string_view expected = "digits on both sides of the point";
  static constexpr Code code = Code::P0114;
};
struct unit_word : any_bare_word<"us", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes",
                                 "h", "hr", "hrs", "hour", "hours", "d", "day", "days", "w", "week", "weeks"> {};
struct no_detached_unit : p::not_at<p::plus<p::blank>, unit_word> {
  static constexpr std::string_view expected = "the unit right behind the number";
  static constexpr Code code = Code::P0106;
};
struct number_text : p::seq<digits, p::sor<unit, p::seq<p::opt<fraction>, p::opt<exponent>>>> {};
struct number : p::seq<p::at<p::digit>, need<no_leading_zero>, node<Kind::Number, number_text>,
                       need<number_end, no_lone_point, no_detached_unit>> {};

// ---- Timestamps: `2026-01-31` without blanks begins one; it is never a subtraction

template <unsigned N>
struct digit_group : p::rep<N, p::digit> {};
struct date : p::seq<digit_group<4>, p::one<'-'>, digit_group<2>, p::one<'-'>, digit_group<2>, p::not_at<p::digit>> {};
struct zone : p::sor<p::one<'Z'>, p::seq<p::one<'+', '-'>, digit_group<2>, p::one<':'>, digit_group<2>>> {};
struct time_of_day : p::seq<p::one<'T'>, digit_group<2>, p::one<':'>, digit_group<2>, p::one<':'>, digit_group<2>,
                            p::opt<p::one<'.'>, p::plus<p::digit>>, zone, p::not_at<p::identifier_other>> {
  static constexpr std::string_view expected = "a time and an offset";
  static constexpr Code code = Code::P0115;
};
struct timestamp : node<Kind::Timestamp, date, need<time_of_day>> {};

// ---- Strings

struct expression;
struct close_quote : p::one<'"'> {
  static constexpr std::string_view expected = "`\"`";
  static constexpr Code code = Code::P0104;
};
struct hex_code : p::seq<bare_sign<"u{">, p::rep_min_max<1, 6, p::xdigit>, p::one<'}'>> {};
struct escape_code : p::sor<p::one<'"', '\\', 'n', 't', 'r'>, hex_code> {
  static constexpr std::string_view expected = "one of the escapes \\n \\t \\r \\\" \\\\ \\u{…}";
  static constexpr Code code = Code::P0108;
};
struct second_brace : p::one<'}'> {
  static constexpr std::string_view expected = "`}}`";
  static constexpr Code code = Code::P0110;
};
struct no_repetition : p::not_at<p::digit> {
  static constexpr std::string_view expected = "an expression";
  static constexpr Code code = Code::P0107;
};
struct close_brace : p::one<'}'> {
  static constexpr std::string_view expected = "`}`";
};
struct interpolation
    : p::seq<p::one<'{'>, with_newline<Newline::IsForbidden, gap, need<no_repetition, expression, close_brace>>> {};
struct string_text : p::sor<p::plus<p::not_one<'"', '\\', '{', '}', '\n'>>, bare_sign<"{{">> {};
struct string_escape : p::sor<p::seq<p::one<'}'>, need<second_brace>>, p::seq<p::one<'\\'>, need<escape_code>>> {};
struct string_part : p::sor<node<Kind::StringText, string_text>, interpolation, node<Kind::StringText, string_escape>> {};
struct string : node<Kind::String, p::one<'"'>, p::star<string_part>, need<close_quote>> {};
struct raw_string : node<Kind::RawString, bare_sign<"r\"">, p::star<p::not_one<'"', '\n'>>, need<close_quote>> {};

}  // namespace piperun::syntax::rules
