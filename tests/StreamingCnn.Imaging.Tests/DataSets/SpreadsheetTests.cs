using System.Text;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Tests.Generators;

namespace StreamingCnn.Imaging.Tests.DataSets;

/// <summary>Tables as Excel, LibreOffice, pandas and Windows write them.</summary>
public sealed class SpreadsheetTests
{
    private static readonly Encoding Western = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    [Theory]
    [InlineData("image,label,,\r\n0.png,a,,\r\n1.png,b,,\r\n")]
    [InlineData("image,label,,\n0.png,a\n1.png,b,,,,,\n,,,\n\n")]
    [InlineData(",image,label\n0,0.png,a\n1,1.png,b\n")]
    [InlineData("sep=;\r\nimage;label\r\n0.png;a\r\n1.png;b\r\n")]
    [InlineData("\"sep=;\"\nimage;label;;\n0.png;a;;\n1.png;b;;\n")]
    [InlineData("SEP=,\nimage,label\n0.png,a\n1.png,b\n")]
    [InlineData("sep=|\nimage|label\n0.png|a\n1.png|b\n")]
    [InlineData("sep=\t\nimage\tlabel\n0.png\ta\n1.png\tb\n")]
    [InlineData("\ufeffsep=;\nimage;label\n0.png;a\n1.png;b\n")]
    [InlineData("image;label\n0.png;a\n1.png;b\n\u001a")]
    [InlineData("image,label,remark; free\n0.png,a,x;y;z\n1.png,b,;;;;\n")]
    [InlineData("  \n\nImage , LABEL\n 0.png , a \n ./1.png , \"b\" \n , \n")]
    [InlineData("\u00a0image\u00a0,\u200blabel\n0.png\u00a0,\u00a0a\u00a0\n1.png,b\u200b\n")]
    public void What_programs_write_around_a_table_is_passed_over(string text)
    {
        using var folder = Images(2);

        var data = ImageDataSet.FromCsv(folder.Write("table.csv", text));

        Assert.Equal(["a", "b"], data.Classes);
        Assert.Equal([("0.png", 0), ("1.png", 1)], data.Items.Select(item => (Path.GetFileName(item.Path), item.Label)));
        Assert.Empty(data.Notes);
    }

    [Fact]
    public void Lines_are_counted_as_an_editor_counts_them()
    {
        using var folder = Images(3);
        var table = folder.Write("table.csv", "sep=;\r\n\r\nimage;label\r\n0.png;a\r\n\r\n9.png;a\r\n2.png;\r\n");

        var problems = Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table)).Problems;

        Assert.Equal(["line 6: the image 9.png: there is no such file; check the path", "line 7: label is empty"], problems);
    }

    public static TheoryData<string, byte[]> Encodings => new()
    {
        { "UTF-8", Encoding.UTF8.GetBytes(Accents) },
        { "UTF-8 with its mark", [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Accents)] },
        { "Excel's Unicode text", [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Accents.Replace(',', '\t'))] },
        { "UTF-16, the other way round", [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(Accents)] },
        { "Windows-1252", Western.GetBytes(Accents) },
    };

    private const string Accents = "image,label\r\n0.png,schön\r\n1.png,naïve\r\n";

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Letters_are_what_was_written_in_every_encoding_of_Excel(string name, byte[] bytes)
    {
        using var folder = Images(2);
        var table = folder.File("table.csv");
        File.WriteAllBytes(table, bytes);

        var data = ImageDataSet.FromCsv(table);

        Assert.Equal(["naïve", "schön"], data.Classes);
        Assert.Equal(
            name == "Windows-1252"
                ? ["the table is no UTF-8 and was read as Windows-1252; save it as CSV UTF-8 if letters look wrong"]
                : [],
            data.Notes);
    }

    public static TheoryData<byte[], string> NoTexts => new()
    {
        { "PK\u0003\u0004workbook"u8.ToArray(), "this is a workbook" },
        { [0xd0, 0xcf, 0x11, 0xe0, 0xa1], "this is a workbook" },
        { Encoding.Unicode.GetBytes("image,label\n0.png,a\n"), "characters of value 0" },
        { [.. Encoding.UTF32.Preamble, .. Encoding.UTF32.GetBytes("image,label\n0.png,a\n")], "characters of value 0" },
        { [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes("image,label\n0.png,a\n"), 65], "damaged or cut short as UTF-16" },
        { [.. "image,label\n0.png,"u8, 0x81, 0x8d, 10], "neither UTF-8 nor Windows-1252" },
    };

    [Theory]
    [MemberData(nameof(NoTexts))]
    public void What_is_no_text_is_refused(byte[] bytes, string reason)
    {
        using var folder = Images(1);
        var table = folder.File("table.csv");
        File.WriteAllBytes(table, bytes);

        Assert.Contains(reason, Assert.Single(Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table)).Problems));
    }

    [Theory]
    [InlineData("nan")]
    [InlineData("NaN")]
    [InlineData("NA")]
    [InlineData("n/a")]
    [InlineData("N/A")]
    [InlineData("<NA>")]
    [InlineData("NaT")]
    [InlineData("None")]
    [InlineData("none")]
    [InlineData("NULL")]
    [InlineData("#N/A")]
    [InlineData("#NV")]
    [InlineData("#DIV/0!")]
    [InlineData("#WERT!")]
    [InlineData("#NAME?")]
    [InlineData("-")]
    [InlineData("?")]
    [InlineData("\u00a0NaN\u200b")]
    public void What_stands_for_a_missing_value_is_no_class(string text)
    {
        using var folder = Images(3);
        var table = folder.Write("table.csv", $"image;label\n0.png;a\n1.png;{text}\n2.png;b\n");

        var problem = Assert.Single(Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table)).Problems);

        Assert.StartsWith($"line 3: label '{text.Trim('\u00a0', '\u200b')}' stands for a missing value; ", problem);
        Assert.Equal(3, ImageDataSet.FromCsv(table, new() { LiteralLabels = true }).Classes.Count);
        Assert.Equal(3, ImageDataSet.FromCsv(table, new() { KnownClasses = ["a", "b", text.Trim('\u00a0', '\u200b')] }).Classes.Count);
        Assert.Contains("stands for a missing value", Refusal(table, new() { Labels = LabelKind.Regression }));
    }

    [Theory]
    [InlineData("nano")]
    [InlineData("Nantes")]
    [InlineData("no")]
    [InlineData("unknown")]
    [InlineData("#1")]
    [InlineData("a-b")]
    [InlineData("naive")]
    public void Names_that_only_look_like_it_are_classes(string text)
    {
        using var folder = Images(2);

        Assert.Contains(text, ImageDataSet.FromCsv(folder.Write("table.csv", $"image,label\n0.png,a\n1.png,{text}\n")).Classes);
    }

    [Fact]
    public void Plus_and_minus_are_two_classes()
    {
        using var folder = Images(2);

        Assert.Equal(["+", "-"], ImageDataSet.FromCsv(folder.Write("table.csv", "image,label\n0.png,+\n1.png,-\n")).Classes);
    }

    [Theory]
    [InlineData("0", "0.0", "0")]
    [InlineData("1", "01", "1")]
    [InlineData("1.0", "1", "1")]
    [InlineData("2", "+2", "2")]
    [InlineData("-0", "0", "0")]
    [InlineData("TRUE", "True", "TRUE")]
    [InlineData("false", "FALSE", "FALSE")]
    [InlineData("0,5", "0.5", "0,5")]
    public void Equal_values_are_one_class(string one, string other, string name)
    {
        using var folder = Images(3);
        var table = folder.Write("table.csv", $"image;label\n0.png;{one}\n1.png;{other}\n2.png;7\n");

        var data = ImageDataSet.FromCsv(table);

        Assert.Equal([name, "7"], data.Classes.OrderBy(text => text == "7"));
        Assert.Equal(data.Items[0].Label, data.Items[1].Label);
        Assert.Contains($"' mean the same as '{name}' and are taken for that class", Assert.Single(data.Notes));
        Assert.Equal(3, ImageDataSet.FromCsv(table, new() { LiteralLabels = true }).Classes.Count);
    }

    [Fact]
    public void A_model_keeps_the_names_of_its_classes()
    {
        using var folder = Images(2);
        var table = folder.Write("table.csv", "image,label\n0.png,0\n1.png,1\n");

        Assert.Equal(["0.0", "1.0"], ImageDataSet.FromCsv(table, new() { KnownClasses = ["0.0", "1.0"] }).Classes);
        Assert.Equal(["0", "1"], ImageDataSet.FromCsv(table, new() { KnownClasses = ["0.0", "0", "1"] }).Classes);
    }

    [Theory]
    [InlineData("b", "b\u00a0", 1)]
    [InlineData("small cell", "small\u202fcell", 1)]
    [InlineData("small cell", "small  cell", 1)]
    [InlineData("caf\u00e9", "cafe\u0301", 1)]
    [InlineData("b", "\u200bb\ufeff", 1)]
    [InlineData("Tumor", "tumor", 2)]
    [InlineData("non-small", "non\u2010small", 2)]
    [InlineData("small_cell", "small cell", 2)]
    [InlineData("B", "\uff22", 2)]
    public void Names_that_look_alike_are_one_or_are_told(string one, string other, int classes)
    {
        using var folder = Images(3);

        var data = ImageDataSet.FromCsv(folder.Write("table.csv", $"image,label\n0.png,{one}\n1.png,{other}\n2.png,z\n"));

        Assert.Equal(classes + 1, data.Classes.Count);
        Assert.Equal(classes == 1, data.Items[0].Label == data.Items[1].Label);
        if (classes == 2)
            Assert.Contains("look alike but are taken for 2", Assert.Single(data.Notes));
    }

    [Fact]
    public void Classes_take_one_column()
    {
        using var folder = Images(1);
        var table = folder.Write("table.csv", "image,a,b\n0.png,0,test\n");

        Assert.Contains("classes stand in one column, but 2 were named (a, b)", Refusal(table, new() { LabelColumns = ["a", "b"] }));
        Assert.Contains(
            "the label column 'a' was named 2 times", Refusal(table, new() { LabelColumns = ["a", "A"], Labels = LabelKind.Regression }));
        Assert.Contains("the column 'image' cannot be the image and its label", Refusal(table, new() { LabelColumns = ["image"] }));
        Assert.Contains("a label column without a name", Refusal(table, new() { LabelColumns = [""] }));
    }

    [Fact]
    public void Numbers_have_a_comma_where_semicolons_separate_them()
    {
        using var folder = Images(2);
        var options = new CsvOptions { LabelColumns = ["age"], Labels = LabelKind.Regression };

        var data = ImageDataSet.FromCsv(folder.Write("a.csv", "image;age;mpp\n0.png;0,5;0,25\n1.png;\u22121250;\n"), options);
        Assert.Equal([0.5, -1250], data.Items.Select(item => item.Targets[0]));
        Assert.Equal([0.25, null], data.Items.Select(item => item.MicrometresPerPixel));
        Assert.Contains("decimal point", Assert.Single(data.Notes));
        Assert.Contains(
            "line 3: age '1.250' has a point where other numbers have a comma",
            Refusal(folder.Write("b.csv", "image;age\n0.png;0,5\n1.png;1.250\n"), options));
        Assert.Contains(
            "line 2: age '0,5' is not a number; write a decimal point instead of the comma",
            Refusal(folder.Write("c.csv", "image,age\n0.png,\"0,5\"\n"), options));
        Assert.Contains(
            "line 2: age '0,5' is not a number; write a decimal point",
            Refusal(folder.Write("d.csv", "image\tage\n0.png\t0,5\n"), options));
        Assert.Contains("line 2: age '1,234,567' is not a number", Refusal(folder.Write("e.csv", "image;age\n0.png;1,234,567\n"), options));
        Assert.Contains(
            "line 2: the resolution '-1' is not a positive number",
            Refusal(folder.Write("f.csv", "image,age,mpp\n0.png,1,-1\n"), options));
    }

    [Fact]
    public void Truth_values_are_labels()
    {
        using var folder = Images(2);
        var options = new CsvOptions { LabelColumns = ["a", "b"], Labels = LabelKind.MultiLabel };

        var data = ImageDataSet.FromCsv(folder.Write("a.csv", "image,a,b\n0.png,TRUE,False\n1.png,1.0,0\n"), options);

        Assert.Equal([1, 0], data.Items[0].Targets);
        Assert.Equal([1, 0], data.Items[1].Targets);
        Assert.Contains(
            "line 2: a 'yes' is neither",
            Refusal(folder.Write("b.csv", "image,a,b\n0.png,yes,1\n"), options).Replace("is not a number", "is neither"));
    }

    [Fact]
    public void A_missing_quotation_mark_and_lost_letters_are_named()
    {
        using var folder = Images(2);

        Assert.Contains("holds a line break", Refusal(folder.Write("a.csv", "image,label\n0.png,\"a\n1.png,b\n")));
        Assert.Contains("line 2: label 'sch\ufffdn' has lost a letter", Refusal(folder.Write("b.csv", "image,label\n0.png,sch\ufffdn\n")));
    }

    [Fact]
    public void One_image_is_listed_once_by_whatever_name()
    {
        using var folder = Images(1);
        File.CreateSymbolicLink(folder.File("link.png"), folder.File("0.png"));
        Directory.CreateSymbolicLink(folder.File("here"), folder.Path);
        var table = folder.Write(
            "table.csv", $"image,label\n0.png,a\n./0.png,a\nlink.png,b\nhere/0.png,b\nhere/here/link.png,a\n{folder.File("0.png")},a\n");

        var refusal = Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table, new() { CheckImages = false }));
        var problem = Assert.Single(refusal.Problems);

        Assert.StartsWith("lines 3 to 7: the images ./0.png, link.png, here/0.png and 2 more: it was listed already in line 2", problem);
    }

    [Fact]
    public void A_file_whose_accents_are_apart_is_found()
    {
        using var folder = Images(1);
        File.Move(folder.File("0.png"), folder.File("cafe\u0301.png"));

        var table = folder.Write("table.csv", "image,label\ncaf\u00e9.png,a\n");
        Assert.Equal(folder.File("cafe\u0301.png"), Assert.Single(ImageDataSet.FromCsv(table).Items).Path);
    }

    [Fact]
    public void Problems_of_a_kind_are_one_sentence_with_all_lines()
    {
        using var folder = Images(0);
        var lines = Enumerable.Range(0, 500).Select(i => i == 250 ? $"{i}.png,nan" : $"{i}.png,a");

        var table = folder.Write("table.csv", "image,label\n" + string.Join('\n', lines));
        var problems = Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table)).Problems;

        Assert.Equal(2, problems.Count);
        Assert.Equal("lines 2 to 501: the images 0.png, 1.png, 2.png and 497 more: there is no such file; check the path", problems[0]);
        Assert.StartsWith("line 252: label 'nan'", problems[1]);
    }

    [Fact]
    public void Numbers_that_are_none_are_refused_in_an_image_before_training()
    {
        using var folder = Images(1);
        ArrayFile.Write(folder.File("nan.npy"), 40, 50, type: "<f4", size: 4);
        using (var file = File.OpenWrite(folder.File("nan.npy")))
        {
            file.Position = ArrayFile.HeaderBytes;
            file.Write(BitConverter.GetBytes(float.NaN));
        }

        var table = folder.Write("table.csv", "image,label\n0.png,a\nnan.npy,b\n");

        Assert.Contains("line 3: the image nan.npy: it holds values that are not finite numbers, near row 0 and column 0", Refusal(table));
    }

    [Fact]
    public void A_table_of_images_alone_is_read_in_the_same_way()
    {
        using var folder = Images(0);
        Assert.Equal(
            [(folder.File("sub/x.png"), 0.25), (folder.File("y.png"), null)],
            ImageTable.Read(folder.Write("table.csv", "sep=;\r\nFILE;mpp;;\r\nsub\\x.png;0,25;;\r\ny.png;;;\r\n"))
                .Images.Select(image => (image.Path, image.MicrometresPerPixel)));
    }

    private static string Refusal(string table, CsvOptions? options = null) =>
        Assert.Throws<DataSetException>(() => ImageDataSet.FromCsv(table, options)).Message;

    private static TemporaryFolder Images(int count)
    {
        var folder = new TemporaryFolder();
        for (var i = 0; i < count; i++)
            ArrayFile.Write(folder.File($"{i}.png"), 4, 5);
        return folder;
    }
}
