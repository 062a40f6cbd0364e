#include "runtime/record/csv_splitter.h"
#include "tests/unit/runtime/record/record_test.h"

namespace piperun::record {
namespace {

class CsvTest : public RecordTest {
 protected:
  CsvTest() {
    source.format = ir::Format::Csv;
    declare({{"id", scalar(Kind::Int)}, {"name", scalar(Kind::String)}, {"total", nullable(program.types.decimal(12, 2))}});
  }
};

TEST_F(CsvTest, ColumnsInTheOrderOfTheType) {
  EXPECT_EQ(round("1,Ada,9.5"), R"({"id":1,"name":"Ada","total":9.50})");
  EXPECT_EQ(round("1,,\r\n"), R"({"id":1,"name":"","total":null})");
  EXPECT_EQ(round("1,\"\",1"), R"({"id":1,"name":"","total":1.00})");
  EXPECT_EQ(round("1,\"a,\"\"b\"\"\nc\",\"1\""), R"({"id":1,"name":"a,\"b\"\nc","total":1.00})");
  EXPECT_EQ(round("1,\"\"\"\",1"), R"({"id":1,"name":"\"","total":1.00})");
}

TEST_F(CsvTest, TheHeaderNamesTheColumns) {
  make();
  ASSERT_FALSE(decoder->set_header("\xEF\xBB\xBFtotal,other,\"id\",name\r\n"));
  EXPECT_EQ(round("2,x,1,Ada"), R"({"id":1,"name":"Ada","total":2.00})");
  ASSERT_FALSE(decoder->set_header("name,id"));
  EXPECT_EQ(round("Ada,1"), R"({"id":1,"name":"Ada","total":null})");
  ASSERT_FALSE(decoder->set_header("id,total"));
  EXPECT_EQ(round("1,2"), "P1003");
  EXPECT_EQ(detail, "`name`: no column of this name");
  EXPECT_TRUE(decoder->set_header("\"id"));
}

TEST_F(CsvTest, WhatIsNoCsv) {
  for (const char* line : {"1,Ada", "1,Ada,2,3", "1,\"Ada,2", "1,A\"da\",2", "1,\"Ada\"x,2", "1,\"a\" ,2", "1,a\rb,2"})
    EXPECT_EQ(round(line), "P1009") << line;
  EXPECT_EQ(round("1,\xFF,2"), "P1002");
  EXPECT_EQ(round(",Ada,2"), "P1003");
  EXPECT_EQ(round("x,Ada,2"), "P1004");
  EXPECT_EQ(round(" 1,Ada,2"), "P1004");
  EXPECT_EQ(round("1,Ada,2.345"), "P1005");
}

// What published collections of odd files ask: each is a decision, written down in runtime/record/README.md.
TEST_F(CsvTest, Corners) {
  const auto under = [&](std::string_view header, std::string_view line) {
    make();
    if (const auto fault = decoder->set_header(header)) return std::string("header: ") + fault->detail;
    return round(line);
  };
  EXPECT_EQ(under("id,name,total,", "1,Ada,2,"), R"({"id":1,"name":"Ada","total":2.00})") << "a comma at the end of every line";
  EXPECT_EQ(under("id,name,total", "1,Ada,2,"), "P1009");
  EXPECT_EQ(detail, "4 columns where the header has 3");
  EXPECT_EQ(under("id,name,total", "1,Ada"), "P1009");
  EXPECT_EQ(under("id,name,id,name,total", "1,Ada,2,Bob,3"), R"({"id":1,"name":"Ada","total":3.00})") << "the first counts";
  EXPECT_EQ(under("id,Name,total", "1,Ada,2"), "P1003") << "names are compared as they are";
  EXPECT_EQ(under("id, name,total", "1,Ada,2"), "P1003");
  EXPECT_EQ(under("\"id\",\"na\"\"me\",name,total", "1,x,Ada,"), R"({"id":1,"name":"Ada","total":null})");
  EXPECT_EQ(under("id,name", "1,\"\""), R"({"id":1,"name":"","total":null})");
  EXPECT_EQ(under("id,name", "1, Ada "), R"({"id":1,"name":" Ada ","total":null})") << "blanks are data";
  EXPECT_EQ(under("id,name", "1, \"Ada\""), "P1009") << "and no quote stands behind one";
  EXPECT_EQ(under("id,name", "1,\"a\r\nb\rc\""), R"({"id":1,"name":"a\r\nb\rc","total":null})") << "between quotes all is data";
  EXPECT_EQ(under("id,name", "1,a\rb"), "P1009");
  EXPECT_EQ(detail, "invalid CSV at byte 4: a carriage return without a line feed, in a field without quotes");
  EXPECT_EQ(under("id,name", "1,a\nb"), "P1009");
  EXPECT_EQ(under("id,name", std::string_view("1,a\0b", 5)), R"({"id":1,"name":"a\u0000b","total":null})");
  EXPECT_EQ(under("id,name", "1,\xEF\xBB\xBFx"), "{\"id\":1,\"name\":\"\xEF\xBB\xBFx\",\"total\":null}");
  EXPECT_EQ(under("id,name", "1,\u00DF\u6F22\U0001F600"), "{\"id\":1,\"name\":\"\u00DF\u6F22\U0001F600\",\"total\":null}");
  EXPECT_EQ(under("id,name", "1,\"{\"\"type\"\": \"\"Point\"\"}\""), R"({"id":1,"name":"{\"type\": \"Point\"}","total":null})");
  EXPECT_EQ(under("id,name", "9223372036854775808,x"), "P1005");
  EXPECT_EQ(under("id,name", "+1,x"), "P1004");
  EXPECT_EQ(under("id,name", "0x10,x"), "P1004");
  EXPECT_EQ(under("id,name", "1e3,x"), R"({"id":1000,"name":"x","total":null})");
  EXPECT_EQ(under("id,na\rme", "1,x"),
            "header: invalid CSV at byte 6: a carriage return without a line feed, in a field without quotes");
}

TEST_F(CsvTest, OtherTypes) {
  const TypeId line = program.types.record("Line", {{"qty", scalar(Kind::Int)}});
  declare({{"t", scalar(Kind::Timestamp)},
           {"b", scalar(Kind::Bool)},
           {"l", program.types.list(line)},
           {"j", nullable(scalar(Kind::Json))}});
  EXPECT_EQ(round("2026-01-31T12:00:00Z,true,\"[{\"\"qty\"\":1}]\",{}"),
            R"({"t":"2026-01-31T12:00:00Z","b":true,"l":[{"qty":1}],"j":{}})");
  EXPECT_EQ(round("2026-01-31T12:00:00Z,true,[],"), R"({"t":"2026-01-31T12:00:00Z","b":true,"l":[],"j":null})");
  EXPECT_EQ(round("2026-01-31,true,[],"), "P1007");
  EXPECT_EQ(round("2026-01-31T12:00:00Z,yes,[],"), "P1004");
  EXPECT_EQ(round("2026-01-31T12:00:00Z,true,[1],"), "P1004");
  EXPECT_EQ(round("2026-01-31T12:00:00Z,true,[,"), "P1001");
}

TEST_F(CsvTest, ExtraColumns) {
  source.extra = ir::ExtraFields::Error;
  make();
  ASSERT_FALSE(decoder->set_header("id,name,more"));
  EXPECT_EQ(round("1,Ada,x"), "P1008");
  source.extra = ir::ExtraFields::Keep;
  make({{"id", scalar(Kind::Int)}, {"#extra", scalar(Kind::Json)}});
  ASSERT_FALSE(decoder->set_header("id,name,more"));
  ASSERT_EQ(decode("1,Ada,x"), "");
  std::string out;
  value::write_json(*row[1].j, out);
  EXPECT_EQ(out, R"({"more":"x"})");
}

TEST_F(CsvTest, WrittenAndReadBack) {
  declare({{"a", scalar(Kind::String)},
           {"b", nullable(scalar(Kind::String))},
           {"c", scalar(Kind::Bytes)},
           {"d", program.types.list(scalar(Kind::Int))}});
  source.format = ir::Format::Json;
  const auto encoder = make_encoder(program.types, schema(), ir::Format::Csv);
  EXPECT_EQ(encoder->header(), "a,b,c,d");
  for (const char* text : {R"({"a":"","b":null,"c":"","d":[]})", R"({"a":"x,\"y\"\r\nz","b":"","c":"AAEC","d":[1,2]})"}) {
    source.format = ir::Format::Json;
    make();
    ASSERT_EQ(decode(text), "") << detail;
    const std::string line = json({}, ir::Format::Csv);
    source.format = ir::Format::Csv;
    make();
    EXPECT_EQ(round(line), text) << line;
  }
}

TEST_F(CsvTest, AnotherDelimiter) {
  source.options["delimiter"] = ";";
  make();
  ASSERT_FALSE(decoder->set_header("id;name;total"));
  EXPECT_EQ(round("1;Ada, Countess;9.5"), R"({"id":1,"name":"Ada, Countess","total":9.50})");
  EXPECT_EQ(round("1;\"a;b\";"), R"({"id":1,"name":"a;b","total":null})");
  EXPECT_EQ(round("1,Ada,9.5"), "P1009");
  ASSERT_EQ(decode("1;\"a;b\";2"), "");
  std::string out;
  const auto encoder = make_encoder(program.types, schema(), ir::Format::Csv, {}, ';');
  ASSERT_FALSE(encoder->encode(row.data(), nullptr, out));
  EXPECT_EQ(out, "1;\"a;b\";2.00");
  EXPECT_EQ(encoder->header(), "id;name;total");
}

TEST_F(CsvTest, SplitterFindsRecordEndsInPiecesOfAnySize) {
  const std::string file = "a,\"b\nc\",d\r\n\"x\"\"\n\",y\nlast";
  for (std::size_t piece = 1; piece <= file.size(); ++piece) {
    CsvSplitter splitter(',');
    std::vector<std::string> records;
    std::size_t begin = 0;
    for (std::size_t have = piece;; have += piece) {
      const std::string_view seen = std::string_view(file).substr(0, std::min(have, file.size()));
      while (const auto end = splitter.find_end(seen.substr(begin))) {
        records.emplace_back(seen.substr(begin, end->content));
        begin += end->next;
      }
      if (have >= file.size()) break;
    }
    EXPECT_EQ(records, (std::vector<std::string>{"a,\"b\nc\",d", "\"x\"\"\n\",y"})) << piece;
    EXPECT_EQ(file.substr(begin), "last");
  }
}

TEST_F(CsvTest, QuoteOpensOnlyAtTheStartOfAField) {
  const auto records = [](std::string_view text, char delimiter) {
    CsvSplitter splitter(delimiter);
    std::vector<std::string> result;
    while (const auto end = splitter.find_end(text)) {
      result.emplace_back(text.substr(0, end->content));
      text.remove_prefix(end->next);
    }
    return result;
  };
  using Records = std::vector<std::string>;
  EXPECT_EQ(records("1,5\" pipe,2\n3,\"a\"b\"c,4\n5,\"x\"\"\ny\"\n", ','),
            (Records{"1,5\" pipe,2", "3,\"a\"b\"c,4", "5,\"x\"\"\ny\""}));
  EXPECT_EQ(records("1;\"a\nb\"\n2,\"c;\n", ';'), (Records{"1;\"a\nb\"", "2,\"c;"}));
  EXPECT_EQ(records("\"\",\"\n\"\n", ','), (Records{"\"\",\"\n\""}));
}

TEST_F(CsvTest, Raw) {
  source.format = ir::Format::Raw;
  declare({{"line", scalar(Kind::String)}});
  EXPECT_EQ(round("a \"line\""), R"({"line":"a \"line\""})");
  EXPECT_EQ(json({}, ir::Format::Raw), "a \"line\"");
  EXPECT_EQ(round(""), R"({"line":""})");
  EXPECT_EQ(round("\xFF"), "P1002");
  declare({{"n", nullable(scalar(Kind::Int))}, {"data", nullable(scalar(Kind::Bytes))}});
  make();
  EXPECT_EQ(round("\xFF"), R"({"n":null,"data":"/w=="})");
}

}  // namespace
}  // namespace piperun::record
