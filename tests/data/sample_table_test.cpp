#include "data/sample_table.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "base/files.h"
#include "support/scratch_folder.h"

namespace pleat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

SampleTable read_text(const std::string& text) {
  const ScratchFolder folder;
  write_file(folder / "samples.csv", text);
  return read_samples(folder / "samples.csv");
}

struct BadTable {
  std::string name, text, message;
};

TEST(SampleTable, KeepsEveryColumnVerbatimAndInOrder) {
  const SampleTable table = read_text("path,id,note,label\na/1.jpg,one, blank kept ,7\nb.jpg,two,,07\n");
  EXPECT_THAT(table.names, ElementsAre("path", "id", "note", "label"));
  EXPECT_THAT(table.column("note"), ElementsAre(" blank kept ", ""));
  EXPECT_THAT(table.column("label"), ElementsAre("7", "07"));
  EXPECT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.find("group"), nullptr);
}

TEST(SampleTable, AcceptsByteOrderMarkCrlfQuotesAndMissingLastNewline) {
  const SampleTable table =
      read_text("\xEF\xBB\xBFid,path,note\r\n1,a.jpg,\"says \"\"hi\"\", twice\"\r\n2,b.jpg,größe");
  EXPECT_THAT(table.names, ElementsAre("id", "path", "note"));
  EXPECT_THAT(table.column("note"), ElementsAre("says \"hi\", twice", "größe"));
}

TEST(SampleTable, KnowsTheLineOfEachRowAcrossQuotedNewlinesAndBlankLines) {
  const SampleTable table =
      read_text("id,path,note\n1,a.jpg,\"two\nlines\n\nand more\"\n\n2,b.jpg,x\n3,c.jpg,\"y\r\nz\"\n4,d.jpg,\n");
  EXPECT_THAT(table.column("note"), ElementsAre("two\nlines\n\nand more", "x", "y\r\nz", ""));
  EXPECT_THAT(table.lines, ElementsAre(2, 7, 8, 10));
}

TEST(SampleTable, AcceptsTwoDotsInsideAName) {
  EXPECT_THAT(read_text("id,path\n1,a..b/..c.jpg\n").column("path"), ElementsAre("a..b/..c.jpg"));
}

TEST(SampleTable, RefusesBadTablesNamingLineAndRemedy) {
  const std::vector<BadTable> tables = {
      {"empty file", "", "is empty"},
      {"only a mark", "\xEF\xBB\xBF", "is empty"},
      {"only a header", "id,path\n", "no rows"},
      {"missing path", "id,file\n1,a\n", "column 'path' is missing; the header has 'id', 'file'"},
      {"missing id", "name,path\n1,a\n", "column 'id' is missing"},
      {"semicolons", "id;path;label\n1;a.jpg;x\n", "not by semicolons"},
      {"tabs", "id\tpath\n1\ta.jpg\n", "not by tabs"},
      {"short row", "id,path,label\n1,a,x\n2,b\n", "line 3: 2 values, but the header has 3"},
      {"long row", "id,path\n1,a,x\n", "line 2: 3 values, but the header has 2"},
      {"short row after a quoted newline", "id,path,n\n1,a,\"x\ny\"\n2,b\n", "line 4: 2 values"},
      {"empty id", "id,path\n1,a\n,b\n", "line 3: the id is empty"},
      {"duplicate id", "id,path\n1,a\n2,b\n1,c\n", "line 4: id '1' is already used in"},
      {"empty path", "id,path\n1,\n", "line 2: the path is empty"},
      {"absolute path", "id,path\n1,/etc/passwd\n", "line 2: path '/etc/passwd' is absolute"},
      {"path going up", "id,path\n1,../a.jpg\n", "leaves the image folder"},
      {"path going up inside", "id,path\n1,a/../../b.jpg\n", "leaves the image folder"},
      {"duplicate column", "id,path,x,x\n1,a,b,c\n", "samples.csv line 1: column 'x' occurs twice"},
      {"unnamed column", "id,path,\n1,a,b\n", "column 3 has no name"},
      {"open quote", "id,path\n1,a\n2,\"b\n3,c\n", "line 3: a quote opened in this row is never closed"},
      {"quote inside a value", "id,path\n1,a \"b\" c\n", "line 2: a quote stands inside a value; put"},
      {"open quote and a later one", "id,path\n1,\"a\n2,\"b\"\n",
       "line 3: a quote stands inside a value (a quote is open since line 2)"},
      {"NUL byte", "id,path\n1,a\0b\n"s, "line 2: holds a NUL byte"},
      {"latin 1",
       "id,path\n1,a\n2,gr\xF6\xDF"
       "e\n",
       "line 3: byte 0xF6 is not UTF-8"},
      {"overlong UTF-8", "id,path\n1,\xC0\xAF\n", "line 2: byte 0xC0"},
      {"surrogate", "id,path\n1,\xED\xA0\x80\n", "line 2: byte 0xED"},
      {"cut UTF-8", "id,path\n1,\xE2\x82", "line 2: byte 0xE2"},
      {"UTF-16", "\xFF\xFEi\0d\0"s, "is UTF-16"},
      {"spreadsheet", "PK\x03\x04\x14\0"s, "is a spreadsheet"},
      {"gzip", "\x1F\x8B\x08\0"s, "is packed by gzip"},
      {"value that would break the line", "id,path\n1,a\n\"b\n\",x\n\"b\n\",y\n", "id 'b\\n' is already used in"},
  };
  for (const BadTable& bad : tables) {
    SCOPED_TRACE(bad.name);
    try {
      read_text(bad.text);
      ADD_FAILURE() << "was accepted";
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(bad.message));
      EXPECT_THAT(error.what(), HasSubstr("samples.csv"));
    }
  }
}

TEST(SampleTable, AColumnThatIsNotThereIsNamedWithFileNearestNameAndWhoAsks) {
  const SampleTable table = read_text("id,path,persons\n1,a.jpg,x\n");
  try {
    table.column("person", "data.group");
    FAIL() << "was found";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("samples.csv: there is no column 'person', which data.group asks for; did you "
                                        "mean 'persons'? the columns are 'id', 'path', 'persons'"));
  }
  EXPECT_THAT(table.place(0), testing::EndsWith("samples.csv line 2"));
}

TEST(SampleTable, NamesAFileThatIsNotThere) { EXPECT_THROW(read_samples("/nowhere/samples.csv"), DataError); }

TEST(SampleTable, WritesFieldsThatReadBackAsTheyWere) {
  const std::vector<std::string> values = {"plain", "", "a,b", "say \"hi\"", "two\nlines", "\r", " blank "};
  std::string text = "id,path,value\n";
  for (std::size_t i = 0; i < values.size(); ++i) text += std::to_string(i) + ",x," + csv_field(values[i]) + "\n";
  EXPECT_EQ(read_text(text).column("value"), values);
  EXPECT_EQ(csv_field("plain"), "plain");
}

}  // namespace
}  // namespace pleat
