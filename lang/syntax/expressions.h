// Types and expressions. Each alternative is chosen by its first token: nothing is parsed twice.
// Precedence, loosest first: if, catch, or, and, not, comparisons, + -, * / %, unary -, ??, postfix.
#pragma once
#include "lang/syntax/blocks.h"
#include "lang/syntax/tokens.h"

namespace piperun::syntax::rules {

// ---- Types

struct type;
struct type_number : p::seq<node<Kind::TypeNumber, p::sor<digits, p::identifier>>, gap> {
  static constexpr std::string_view expected = "a number or a unit";
};
struct type_numbers : p::seq<bracketed<'(', ')', type_number>, gap> {};
struct type_close : p::seq<p::one<'>'>, gap> {
  static constexpr std::string_view expected = "`,` or `>`";
  static constexpr Code code = Code::P0103;
};
struct type_arguments : p::seq<sign<"<">, need<type>, p::star<sign<",">, need<type>>, need<type_close>> {};
struct type
    : nested<node<Kind::Type, path, p::opt<type_numbers>, p::opt<type_arguments>, p::opt<node<Kind::Nullable, sign<"?">>>>> {
  static constexpr std::string_view expected = "a type";
};

// ---- Atoms

struct entry;
struct record : node<Kind::Record, block<entry>> {};
struct fold : node<Kind::Fold, word<"for">, need<name, word<"in">, expression>, p::opt<word<"if">, need<expression>>> {};
struct argument : node<Kind::Argument, expression, p::opt<fold>> {
  static constexpr std::string_view expected = "a value";
};
struct list : node<Kind::List, bracketed<'[', ']', expression>> {};
struct group : node<Kind::Group, enclosed<'(', ')', false, need<expression>>> {};
struct parameter : node<Kind::Param, p::one<'$'>, need<identifier>> {};
struct constant : node<Kind::Constant, any_bare_word<"true", "false", "null">> {};
struct taken_word : any_bare_word<"if", "then", "else", "and", "or", "not", "is", "catch"> {};  // `in`, `for` may be fields
struct field : node<Kind::Field, p::not_at<taken_word>, p::identifier> {};
struct atom : p::seq<deeper, p::sor<string, raw_string, timestamp, number, parameter, list, group, record, constant, field>> {};

// ---- Operators

struct member : node<Kind::Member, p::one<'.'>, p::not_at<p::one<'.'>>, need<any_name>> {};  // `..` is a range
struct safe_member : node<Kind::SafeMember, bare_sign<"?.">, need<any_name>> {};
struct call : node<Kind::Call, bracketed<'(', ')', argument>> {};
struct index : node<Kind::Index, enclosed<'[', ']', false, need<expression>>> {};
struct unless_fails : node<Kind::Bang, p::one<'!'>, p::not_at<p::one<'='>>> {};  // `!=` is one sign
struct postfix_chain : node_if_many<Kind::Postfix, atom, p::star<p::sor<member, safe_member, call, index, unless_fails>>> {};
struct postfix : p::seq<postfix_chain, gap> {
  static constexpr std::string_view expected = "a value";
};

// To the right of `??` and `catch`: one operand.
struct negative_number
    : p::seq<deeper, p::at<p::one<'-'>, p::digit>, node<Kind::Minus, node<Kind::Sign, p::one<'-'>>, number>, gap> {};
struct operand : p::sor<negative_number, postfix> {
  static constexpr std::string_view expected = "one operand";
};

template <Kind K, typename Operand, typename... Infix>
struct chain : node_if_many<K, Operand, p::star<p::sor<Infix...>, need<Operand>>> {
  static constexpr std::string_view expected = "a value";
};

struct coalescing : node_if_many<Kind::CoalesceChain, postfix, p::star<infix<"??">, need<operand>>> {
  static constexpr std::string_view expected = "a value";
};
struct minus : p::seq<deeper, node<Kind::Sign, p::one<'-'>>, gap> {};
struct unary : p::sor<node<Kind::Minus, p::plus<minus>, need<coalescing>>, coalescing> {
  static constexpr std::string_view expected = "a value";
};
struct product : chain<Kind::ProductChain, unary, infix<"*">, infix<"/">, infix<"%">> {};
struct sum : chain<Kind::SumChain, product, infix<"+">, infix<"-">> {};

struct not_in : p::seq<node<Kind::Sign, bare_word<"not">, gap, bare_word<"in">>, goes_on> {};
struct comparing : p::sor<infix<"==">, infix<"!=">, infix<"<=">, infix<">=">, infix<"<">, infix<">">, infix_word<"in">, not_in> {
};
struct comparing_sign : p::sor<p::one<'<', '>'>, bare_sign<"==">, bare_sign<"!=">, bare_word<"in">> {};
struct null_test : p::sor<node<Kind::IsNotNull, word<"is">, word<"not">, need<word<"null">>>,
                          node<Kind::IsNull, word<"is">, need<word<"null">>>> {};
struct no_assignment : p::not_at<single_equals> {
  static constexpr std::string_view expected = "`==`";
  static constexpr Code code = Code::P0105;
};
struct no_chain : p::not_at<comparing_sign> {
  static constexpr std::string_view expected = "`and`";
  static constexpr Code code = Code::P0113;
};
struct comparison
    : p::seq<node_if_many<Kind::Comparison, sum, need<no_assignment>, p::opt<p::sor<p::seq<comparing, need<sum>>, null_test>>>,
             need<no_assignment, no_chain>> {
  static constexpr std::string_view expected = "a value";
};
struct negation
    : p::sor<node<Kind::Not, p::plus<p::seq<deeper, node<Kind::Sign, bare_word<"not">>, gap>>, need<comparison>>, comparison> {
  static constexpr std::string_view expected = "a value";
};
struct conjunction : chain<Kind::AndChain, negation, infix_word<"and">> {};
struct disjunction : chain<Kind::OrChain, conjunction, infix_word<"or">> {};

struct binary_sign : p::sor<p::one<'+', '*', '/', '%', '<', '>'>, p::seq<p::one<'-'>, p::not_at<p::one<'>'>>>, bare_sign<"==">,
                            bare_sign<"!=">, bare_sign<"??">, any_bare_word<"and", "or", "in", "is">> {};
struct no_second_operand : p::not_at<binary_sign> {
  static constexpr std::string_view expected = "one operand";
  static constexpr Code code = Code::P0117;
};
struct catching : node_if_many<Kind::CatchChain, disjunction, p::star<infix_word<"catch">, need<operand, no_second_operand>>> {};

// An `if` is not finished without its `then` and `else`: these may begin a (deeper) line.
template <Text T>
struct branch : p::seq<goes_on, deeper, bare_word<T>, goes_on> {
  static constexpr auto quoted = T;
};
struct condition : node<Kind::If, deeper, word<"if">, need<expression, branch<"then">, expression, branch<"else">, expression>> {
};
struct expression : nested<p::sor<condition, catching>> {
  static constexpr std::string_view expected = "a value";
};

// The value of an option, and what stands after `within`.
struct value : node_if_many<Kind::Range, expression, p::opt<bare_sign<"..">, gap, need<expression>>> {
  static constexpr std::string_view expected = "a value";
};

}  // namespace piperun::syntax::rules
